import assert from "node:assert/strict";
import * as yaml from "yaml";
import { parseSigningParameters, type SigningParameters } from "../../src/config/room.ts";

const read = (text: string) => parseSigningParameters(text, yaml, "p.yaml");

Deno.test("signing parameters are parsed", () => {
  const none = { privateKeyFile: undefined, privateKeyPassphraseFile: undefined, rekorUrl: undefined };
  const rows: [text: string, expected: Partial<SigningParameters>][] = [
    ["privateKeyFile: /k", { privateKeyFile: "/k" }],
    ["privateKeyFile: k\nprivateKeyPassphraseFile: p\nrekorURL: https://rekor.example/x", {
      privateKeyFile: "k",
      privateKeyPassphraseFile: "p",
      rekorUrl: "https://rekor.example/x",
    }],
    ["privateKeyFile: k\nfulcio:\nrekorURL: ''", { privateKeyFile: "k" }],
    ["privateKeyFile: k\n---\nprivateKeyFile: never", { privateKeyFile: "k" }],
    ["fulcio: {fulcioURL: https://f.example, oidcMode: staticToken, oidcIDToken: t}", {}],
    ["fulcio: {}", {}],
  ];
  for (const [text, expected] of rows) assert.deepEqual(read(text), { ...none, ...expected }, text);
});

Deno.test("invalid signing parameters are an error with line and key and without secrets", () => {
  const rows: [text: string, line: number | undefined, key: string | undefined][] = [
    ["", undefined, undefined],
    ["rekorURL: https://rekor.example", undefined, undefined],
    ["privateKeyFile: ''", undefined, undefined],
    ["privateKeyFile: k\nprivatekeyfile: k", 2, "privatekeyfile"],
    ["privateKeyFile: k\nrekorUrl: https://a.example", 2, "rekorUrl"],
    ["privateKeyFile: k\nprivateKeyFile: s3cret", 2, undefined],
    ["privateKeyFile: k\nfulcio: {fulcioURL: https://f.example}", 2, "fulcio"],
    ["fulcio:\n  oidcToken: s3cret", 2, "fulcio.oidcToken"],
    ["fulcio: s3cret", 1, "fulcio"],
    ["privateKeyFile: [s3cret]", 1, "privateKeyFile"],
    ["privateKeyFile: k\nrekorURL: rekor.example", 2, "rekorURL"],
    ["privateKeyFile: k\nrekorURL: file:///s3cret", 2, "rekorURL"],
    ["privateKeyFile: k\nrekorURL: https://me:s3cret@a.example", 2, "rekorURL"],
    ["privateKeyFile: k\nrekorURL: https://a.example/?s3cret", 2, "rekorURL"],
    ["- privateKeyFile", undefined, undefined],
    ["privateKeyFile: {", 1, undefined],
  ];
  for (const [text, line, key] of rows) {
    assert.throws(() => read(text), (error: { code: string; message: string; line?: number; key?: string }) => {
      assert.deepEqual([error.code, error.line, error.key], ["CONFIG_FILE_INVALID", line, key], text);
      assert.ok(!error.message.includes("s3cret"), error.message);
      return true;
    });
  }
});
