// Runs the verifier's WebAssembly module on the golden files: node run.mjs MODULE FOLDER
// What holds must be taken, and with one byte changed it must be refused.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Verifier } from "./verifier.mjs";

const [module, folder] = process.argv.slice(2);
const verifier = await Verifier.load(readFileSync(module));

// The check must refuse the bytes with one of them changed, at `count` places or at all.
function refuses(check, bytes, count = bytes.length) {
  const places = Math.min(count, bytes.length);
  for (let i = 0; i < places; i++) {
    const at = Math.floor((i * bytes.length) / places);
    const other = Uint8Array.from(bytes);
    other[at] ^= 1 << i % 8;
    // Not a trap of WebAssembly, which is another error.
    assert.throws(() => check(other), (error) => error.constructor === Error && error.message !== "", `byte ${at}`);
  }
  return places;
}

const profiles = ["test", "standard", "proven"];
for (const profile of profiles) {
  const file = (kind) => readFileSync(`${folder}/${profile}.${kind}`);
  const [proof, data, receipt, account] = ["proof", "data", "receipt", "account"].map(file);
  const expected = JSON.parse(file("json"));

  let refused = refuses((bytes) => verifier.verifyBlock(profile, bytes), proof, 100);
  for (const other of profiles.filter((name) => name !== profile)) {
    assert.throws(() => verifier.verifyBlock(other, proof), new RegExp(`profile ${other}.*profile ${profile}`));
  }
  assert.throws(() => verifier.verifyBlock("toString", proof), /profile/);
  assert.throws(() => verifier.checkReceipt(receipt), /expected a verified proof before/);

  const statement = verifier.verifyBlock(profile, proof);
  const { transaction, signer } = verifier.checkReceipt(receipt);
  assert.deepEqual(statement, expected);
  assert.equal(transaction.chain_id, expected.chain_id);
  verifier.checkData(data);
  const { root, index, leaf } = verifier.checkAccount(account);
  assert([expected.previous_root, expected.new_root].includes(root));
  assert.deepEqual([index, leaf.address], [transaction.from, signer]);
  refused += refuses((bytes) => verifier.checkData(bytes), data);
  // A receipt takes any owner beside the key, and that is another signer.
  const checkSigned = (bytes) => {
    if (verifier.checkReceipt(bytes).signer !== leaf.address) throw new Error("expected the owner of the leaf to have signed");
  };
  refused += refuses(checkSigned, receipt);
  refused += refuses((bytes) => verifier.checkAccount(bytes), account);
  console.log(`${profile}: proof, data, receipt and account proof hold; ${refused} with a byte changed are refused`);
}
