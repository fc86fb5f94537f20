/** The provenance of indexes that a handler publishes. */
import assert from "node:assert/strict";
import { generateSigstoreKeyPair, openSigstoreSigner } from "../../src/signature/room.ts";
import { verifyAttestations } from "../../src/system/remote/room.ts";
import { fanInTest, TARGET } from "../support/fan_in.ts";
import { call, HOST } from "../support/handlers.ts";
import { encode } from "../support/images.ts";

fanInTest("an index that is composed or fanned in has the provenance of the handler", async (at) => {
  const passphrase = encode("pw");
  const { privateKey, publicKey } = await generateSigstoreKeyPair(passphrase);
  await using signer = await openSigstoreSigner(encode(privateKey), { passphrase });
  const builder = { id: "https://publish.example" };
  const handler = at.handler({ provenance: { signer, builder } });
  const check = async (image: string) => {
    const policy = { publicKeys: [encode(publicKey)], assembly: true, builderIds: [builder.id] };
    const systemContext = { fetch: at.world.fetch };
    const { allowed, attestations } = await verifyAttestations(image, { ...policy, systemContext });
    assert.ok(allowed, JSON.stringify(attestations));
    assert.equal(attestations.length, 1);
    // deno-lint-ignore no-explicit-any -- Only single members are read.
    return attestations[0]!.predicate as any;
  };

  assert.equal((await at.reportAll(handler, "7")).status, 200);
  const { buildDefinition, runDetails } = await check(TARGET);
  assert.equal(runDetails.metadata.invocationId, "7");
  assert.deepEqual(buildDefinition.externalParameters.tags, [TARGET]);
  assert.equal(buildDefinition.resolvedDependencies.length, 3);
  const isTag = (request: string) => request === "PUT /v2/app/manifests/1";
  assert.equal(
    at.world.requests.filter((request) => request.startsWith("PUT") && request.includes("/manifests/")).findIndex(
      isTag,
    ),
    2,
  );
  // A report that comes again changes nothing.
  await at.reportAll(handler, "7");
  await check(TARGET);

  const body = { target: `${HOST}/app:2`, sources: [`${HOST}/app:amd64`] };
  assert.equal((await call(handler, "/compose", { body })).status, 200);
  assert.equal((await check(`${HOST}/app:2`)).buildDefinition.resolvedDependencies.length, 1);
});
