//! Uniswap v2: its factory, a pair, and two tokens, from the package's own bytecode.

use std::path::Path;

use revm::primitives::{Address, U256, hex};

use crate::evm::{CALLER, Evm, State, word};

/// A pair of which the caller has both tokens.
pub struct Pair {
    evm: Evm,
    pair: Address,
    tokens: [Address; 2],
}

/// A chain with a factory, two tokens and their pair, without liquidity.
pub struct Deployed {
    state: State,
    pair: Address,
    tokens: [Address; 2],
}

impl Deployed {
    /// Deploys what the npm package `@uniswap/v2-core` in the folder holds.
    pub fn new(package: &Path) -> Self {
        let mut evm = Evm::new(State::default());
        let token = code(package, "ERC20");
        let mut tokens = [0, 1].map(|_| evm.deploy(&token, &[U256::from(u128::MAX)]));
        tokens.sort();
        let factory = evm.deploy(&code(package, "UniswapV2Factory"), &[word(CALLER)]);
        let created = evm.call(factory, "createPair(address,address)", &tokens.map(word));
        let pair = Address::from_slice(&created[12..]);
        Self { state: evm.state().clone(), pair, tokens }
    }

    /// The pair with reserves, all shares of which are the caller's but the first 1,000.
    pub fn pair(&self, reserves: [u64; 2]) -> Pair {
        let mut pair = Pair { evm: Evm::new(self.state.clone()), pair: self.pair, tokens: self.tokens };
        (0..2).for_each(|j| pair.pay(j, reserves[j]));
        pair.evm.call(pair.pair, "mint(address)", &[word(CALLER)]);
        pair
    }
}

/// The creation bytecode of a contract.
fn code(package: &Path, name: &str) -> Vec<u8> {
    let path = package.join("build").join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let build: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    hex::decode(build["bytecode"].as_str().expect("a bytecode")).expect("hex digits")
}

impl Pair {
    /// Pays a token in, which the pair's next call takes note of.
    pub fn pay(&mut self, token: usize, amount: u64) {
        let arguments = [word(self.pair), U256::from(amount)];
        self.evm.call(self.tokens[token], "transfer(address,uint256)", &arguments);
    }

    /// Takes so much of a token out, for what was paid in.
    pub fn swap(&mut self, token: usize, amount: u64) {
        self.evm.call(self.pair, SWAP, &swap_arguments(token, amount));
    }

    /// Whether the pair would let go of so much of a token, for what was paid in.
    pub fn accepts(&mut self, token: usize, amount: u64) -> bool {
        match self.evm.try_call(self.pair, SWAP, &swap_arguments(token, amount)) {
            Ok(_) => true,
            Err(reason) if reason.contains("UniswapV2: K") || reason.contains("UniswapV2: INSUFFICIENT") => {
                false
            }
            Err(reason) => panic!("expected a swap, got {reason:?}"),
        }
    }

    /// Both reserves.
    pub fn reserves(&mut self) -> [u64; 2] {
        let numbers = self.evm.numbers(self.pair, "getReserves()", &[]);
        [numbers[0].to(), numbers[1].to()]
    }

    /// All shares.
    pub fn supply(&mut self) -> u64 {
        self.evm.numbers(self.pair, "totalSupply()", &[])[0].to()
    }

    /// Takes shares back; what is paid of both tokens.
    pub fn burn(&mut self, shares: u64) -> [u64; 2] {
        self.evm.call(self.pair, "transfer(address,uint256)", &[word(self.pair), U256::from(shares)]);
        let numbers = self.evm.numbers(self.pair, "burn(address)", &[word(CALLER)]);
        [numbers[0].to(), numbers[1].to()]
    }

    /// Issues shares for what was paid in; how many.
    pub fn mint(&mut self) -> u64 {
        self.evm.numbers(self.pair, "mint(address)", &[word(CALLER)])[0].to()
    }
}

const SWAP: &str = "swap(uint256,uint256,address,bytes)";

/// Nothing is called back: the bytes are none.
fn swap_arguments(token: usize, amount: u64) -> [U256; 5] {
    let mut amounts = [U256::ZERO; 2];
    amounts[token] = U256::from(amount);
    [amounts[0], amounts[1], word(CALLER), U256::from(4 * 32), U256::ZERO]
}
