// The verifier for JavaScript: what holds comes back, and what does not is thrown as an Error.
const PROFILES = { test: 1, standard: 2, proven: 3 };

export class Verifier {
  #wasm;

  // From the bytes of verifier_wasm.wasm.
  static async load(bytes) {
    const module = await WebAssembly.compile(bytes);
    // plonky2 brings along a random generator, and that its glue to a browser. The verifier draws nothing at random:
    // an import that is called fails.
    const imports = {};
    for (const { module: from, name } of WebAssembly.Module.imports(module)) {
      imports[from] ??= {};
      imports[from][name] = () => {
        throw new Error(`the verifier calls ${name}`);
      };
    }
    const verifier = new Verifier();
    verifier.#wasm = (await WebAssembly.instantiate(module, imports)).exports;
    return verifier;
  }

  // What a block proof says. The checks below are against the last proof that held.
  verifyBlock(profile, proof) {
    if (!Object.hasOwn(PROFILES, profile)) throw new Error(`expected the profile ${Object.keys(PROFILES).join(" or ")}, got ${profile}`);
    return this.#call("verify_proof", proof, PROFILES[profile]);
  }

  // Whether these are the messages that the block published.
  checkData(file) {
    this.#call("check_data_file", file);
  }

  // The transaction that the block executed, and the signer: an address, or null if the receipt has no signature. Compare it
  // with the address of an account proof of the sender's leaf.
  checkReceipt(file) {
    return this.#call("check_receipt_file", file);
  }

  // The leaf, its index, and the root that it is under: the block's new one or its previous one.
  checkAccount(file) {
    return this.#call("check_account_file", file);
  }

  // Likewise a contract's record.
  checkContract(file) {
    return this.#call("check_contract_file", file);
  }

  #call(check, bytes, ...args) {
    const wasm = this.#wasm;
    const at = wasm.input(bytes.length);
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
    const holds = wasm[check](...args) === 1;
    const answer = new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, wasm.answer(), wasm.answer_len()));
    if (!holds) throw new Error(answer);
    return JSON.parse(answer);
  }
}
