//! An EVM with one caller, and the encoding of calls.

use revm::context::TxEnv;
use revm::context::result::{ExecutionResult, Output};
use revm::database::{CacheDB, EmptyDB};
use revm::handler::MainnetContext;
use revm::primitives::{Address, Bytes, TxKind, U256, keccak256};
use revm::{Context, ExecuteCommitEvm, ExecuteEvm, MainBuilder, MainContext, MainnetEvm};

/// Who deploys and calls.
pub const CALLER: Address = Address::new([0x11; 20]);

/// What a chain holds.
pub type State = CacheDB<EmptyDB>;

/// A chain.
pub struct Evm(MainnetEvm<MainnetContext<State>>);

impl Evm {
    /// A chain that goes on from a state.
    pub fn new(state: State) -> Self {
        let context = Context::mainnet().with_db(state);
        Self(context.modify_cfg_chained(|cfg| cfg.disable_nonce_check = true).build_mainnet())
    }

    /// What it holds.
    pub fn state(&self) -> &State {
        &self.0.ctx.journaled_state.database
    }

    /// Deploys a contract.
    pub fn deploy(&mut self, code: &[u8], arguments: &[U256]) -> Address {
        let data = [code, &encoded(arguments)].concat();
        match self.0.transact_commit(transaction(TxKind::Create, data)) {
            Ok(ExecutionResult::Success { output: Output::Create(_, Some(address)), .. }) => address,
            other => panic!("expected a contract, got {other:?}"),
        }
    }

    /// Calls a contract; what it returns.
    pub fn call(&mut self, to: Address, signature: &str, arguments: &[U256]) -> Bytes {
        let data = call_data(signature, arguments);
        success(self.0.transact_commit(transaction(TxKind::Call(to), data)).expect("a transaction"))
            .unwrap_or_else(|output| panic!("{signature}: expected success, got {output}"))
    }

    /// Calls a contract and forgets what it did; what it returns, or why it reverts.
    pub fn try_call(&mut self, to: Address, signature: &str, arguments: &[U256]) -> Result<Bytes, String> {
        let data = call_data(signature, arguments);
        success(self.0.transact(transaction(TxKind::Call(to), data)).expect("a transaction").result)
    }

    /// A call that returns numbers.
    pub fn numbers(&mut self, to: Address, signature: &str, arguments: &[U256]) -> Vec<U256> {
        self.call(to, signature, arguments).chunks(32).map(U256::from_be_slice).collect()
    }
}

fn transaction(kind: TxKind, data: Vec<u8>) -> TxEnv {
    let builder = TxEnv::builder().caller(CALLER).kind(kind).data(data.into()).gas_limit(10_000_000);
    builder.build().expect("a transaction")
}

fn success(result: ExecutionResult) -> Result<Bytes, String> {
    match result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(String::from_utf8_lossy(&output).into_owned()),
        ExecutionResult::Halt { reason, .. } => Err(format!("{reason:?}")),
    }
}

fn call_data(signature: &str, arguments: &[U256]) -> Vec<u8> {
    [&keccak256(signature)[..4], &encoded(arguments)].concat()
}

fn encoded(arguments: &[U256]) -> Vec<u8> {
    arguments.iter().flat_map(|argument| argument.to_be_bytes::<32>()).collect()
}

/// An address as an argument.
pub fn word(address: Address) -> U256 {
    U256::from_be_slice(address.as_slice())
}
