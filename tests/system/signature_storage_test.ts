import assert from "node:assert/strict";
import { loadSignatureStorage } from "../../src/system/local/signature_storage.ts";
import { parseReference } from "../../src/spec/mod.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";

folderTest("the signatures of an image are where registries.d says", async (folder) => {
  await writeTree(folder, {
    "d/a.yaml": `
docker:
  a.test/ns:
    lookaside: https://a.test/signatures
    lookaside-staging: file:///staging
  "*.w.test":
    use-sigstore-attachments: true
`,
  });
  const registriesDirPath = `${folder}/d`;
  const rows: [name: string, lookaside: RegExp, staging: RegExp, attachments: boolean][] = [
    ["a.test/ns/app:1", /^https:\/\/a\.test\/signatures$/, /^file:\/\/\/staging$/, false],
    ["b.w.test:5000/app:1", /^file:\/\/\/.*\/sigstore$/, /^file:\/\/\/.*\/sigstore$/, true],
  ];
  for (const [name, lookaside, staging, attachments] of rows) {
    const found = await loadSignatureStorage(parseReference(name), { registriesDirPath });
    assert.match(String(found.lookaside), lookaside);
    assert.match(String(found.lookasideStaging), staging);
    assert.equal(found.attachments, attachments);
  }
});
