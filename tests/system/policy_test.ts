/** `verify`, `copyImage` and pushes take the same policies: a `Policy`, and a `SignaturePolicy`. */
import assert from "node:assert/strict";
import { copyImage, create, type Policy, type SignaturePolicy, verify } from "../../mod.ts";
import { copyIndex } from "../../src/system/remote/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything, createPolicy, createSignaturePolicy } from "../../src/signature/room.ts";
import { ManifestsError } from "../../src/spec/room.ts";

const IMAGE = "registry.example/app:1", COPY = "registry.example/copy:1";
const REJECT = createPolicy({ default: [{ type: "reject" }] });
const ACCEPT = createPolicy({ default: [{ type: "insecureAcceptAnything" }] });

const policies: [name: string, policy: Policy | SignaturePolicy, allowed: boolean][] = [
  ["a Policy that rejects", REJECT, false],
  ["a Policy that accepts", ACCEPT, true],
  ["createSignaturePolicy() of a Policy that rejects", createSignaturePolicy(REJECT), false],
  ["createSignaturePolicy() of a Policy that accepts", createSignaturePolicy(ACCEPT), true],
  ["acceptAnything", acceptAnything, true],
  ["a SignaturePolicy with its own rules", {
    assertAllowed: () => Promise.reject(new ManifestsError("POLICY_REJECTED", "Cannot use it: too old")),
  }, false],
];

for (const [name, policy, allowed] of policies) {
  Deno.test(`verify(), copyImage() and copyIndex() take ${name}`, async () => {
    const systemContext = { fetch: createRegistry({ storage: createMemoryStorage() }).fetch };
    await create().push(IMAGE, { systemContext });
    const verdict = await verify(IMAGE, { policy, systemContext });
    assert.deepEqual([verdict.allowed, verdict.top.reasons.length], [allowed, allowed ? 0 : 1]);
    if (!allowed) assert.equal(verdict.top.reasons[0]?.code, "POLICY_REJECTED");
    const options = { systemContext, signaturePolicy: policy };
    for (const copy of [() => copyImage(IMAGE, COPY, options), () => copyIndex(IMAGE, COPY, options)]) {
      if (allowed) assert.ok((await copy()).digest);
      else await assert.rejects(copy(), { code: "POLICY_REJECTED" });
    }
  });
}
