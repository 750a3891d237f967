// Runs the verifier's WebAssembly module on the golden files: node run.mjs MODULE FOLDER
// What holds must be taken, and with one byte changed it must be refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

const [module, folder] = process.argv.slice(2);
// plonky2 brings along a random generator, and that its glue to a browser. The verifier draws nothing at random: an
// import that is called fails.
const compiled = await WebAssembly.compile(readFileSync(module));
const imports = {};
for (const { module, name } of WebAssembly.Module.imports(compiled)) {
  imports[module] ??= {};
  imports[module][name] = () => assert.fail(`the verifier calls ${name}`);
}
const wasm = (await WebAssembly.instantiate(compiled, imports)).exports;

// Calls a check on a file's bytes.
function call(check, bytes, ...args) {
  const at = wasm.input(bytes.length);
  new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
  const holds = wasm[check](...args) === 1;
  const answer = Buffer.from(wasm.memory.buffer, wasm.answer(), wasm.answer_len()).toString();
  return { holds, answer };
}

// Refuses the bytes with one of them changed, at `count` places or at all.
function changed(check, bytes, count, ...args) {
  const places = Math.min(count, bytes.length);
  for (let i = 0; i < places; i++) {
    const at = Math.floor((i * bytes.length) / places);
    const other = Uint8Array.from(bytes);
    other[at] ^= 1 << i % 8;
    const { holds, answer } = call(check, other, ...args);
    assert(!holds, `${check}: byte ${at} of ${bytes.length} changed, and it holds`);
    assert.notEqual(answer, "");
  }
  return places;
}

for (const [profile, number] of [["test", 1], ["standard", 2]]) {
  const file = (kind) => readFileSync(`${folder}/${profile}.${kind}`);
  const records = [["check_block_data", "data"], ["check_receipt_file", "receipt"], ["check_account_file", "account"]];
  const proof = file("proof");

  let refused = changed("verify_proof", proof, 100, number);
  assert(!call("verify_proof", proof, 3 - number).holds, "another profile's key");
  assert(!call("check_receipt_file", file("receipt")).holds, "a receipt without a proof that holds");
  const verified = call("verify_proof", proof, number);
  assert(verified.holds, verified.answer);
  assert.deepEqual(JSON.parse(verified.answer), JSON.parse(file("json")));

  for (const [check, kind] of records) {
    const { holds, answer } = call(check, file(kind));
    assert(holds, `${profile}.${kind}: ${answer}`);
    refused += changed(check, file(kind), Infinity);
  }
  console.log(`${profile}: proof, data, receipt and account proof hold; ${refused} with a byte changed are refused`);
}
