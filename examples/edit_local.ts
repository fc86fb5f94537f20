// deno-lint-ignore-file no-console -- A script says what it did.
/**
 * Annotates every image of a local list that podman or buildah created. They may use the same store at the same time:
 * they see all of the changes or none.
 *
 *     podman manifest create app quay.io/me/app:1.0-amd64 quay.io/me/app:1.0-arm64
 *     deno run -A edit_local.ts app org.example.build=42
 *
 * The store is configured by `storage.conf`. `CONTAINERS_STORAGE_CONF` selects another file, also for podman.
 */
import { editList, openStore } from "@multiarch/manifests";

const [name, ...pairs] = Deno.args;
if (name === undefined || pairs.some((pair) => !pair.includes("="))) {
  console.error("usage: edit_local.ts LIST KEY=VALUE…");
  Deno.exit(2);
}
const annotations = Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)));

await using store = await openStore();
await editList(store, name, (list) => {
  for (const digest of list.instances()) list.setAnnotations(digest, annotations);
  console.log(`${name}: ${list.instances().length} images`);
});
