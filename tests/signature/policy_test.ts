/** The syntax and meaning of `policy.json`, compared with skopeo. */
import assert from "node:assert/strict";
import {
  chooseScope,
  createPolicy,
  matchesIdentity,
  parsePolicy,
  type SignedIdentity,
} from "../../src/signature/room.ts";
import { parseImageName } from "../../mod.ts";
import { parseReference } from "../../src/spec/room.ts";
import { folderTest } from "../support/folders.ts";
import { encode } from "../support/images.ts";
import { exec } from "../support/peers.ts";

const ANY = '{"type":"insecureAcceptAnything"}';
const GPG = '"type":"signedBy","keyType":"GPGKeys"';
const SIGSTORE = '"type":"sigstoreSigned"';
const FULCIO = '"fulcio":{"caPath":"/c","oidcIssuer":"https://i","subjectEmail":"a@b"}';
const of = (requirement: string) => `{"default":[{${requirement}}]}`;
const identity = (members: string) => of(`${GPG},"keyPath":"/k","signedIdentity":{${members}}`);
const scoped = (transport: string, scope: string) =>
  `{"default":[${ANY}],"transports":{"${transport}":{${JSON.stringify(scope)}:[${ANY}]}}}`;

/** Policies that skopeo 1.9.3 and everything newer reads. */
const GOOD = [
  `{"default":[${ANY}]}`,
  ` {"default":[{"type":"reject"},${ANY}],"transports":{}}\n`,
  of(`${GPG},"keyPath":"/k"`),
  of(`${GPG},"keyData":"AAAA"`),
  of(`${GPG},"keyData":""`),
  of(`${GPG},"keyData":"AA\\nAA"`),
  of('"type":"signedBy","keyType":"X509Certificates","keyPath":"/k"'),
  of('"type":"signedBaseLayer","baseLayerIdentity":{"type":"matchExact"}'),
  of(`${SIGSTORE},"keyPath":"/k"`),
  of(`${SIGSTORE},"keyData":"AAAA","signedIdentity":{"type":"matchRepository"}`),
  identity('"type":"matchExact"'),
  identity('"type":"matchRepoDigestOrExact"'),
  identity('"type":"exactReference","dockerReference":"busybox:1"'),
  identity('"type":"exactRepository","dockerRepository":"busybox:1"'),
  identity('"type":"remapIdentity","prefix":"example.com:5000","signedPrefix":"a.b/c"'),
  scoped("docker", "*.example.com"),
  scoped("docker", ""),
  scoped("dir", "/a/b"),
  scoped("docker-archive", ""),
  scoped("containers-storage", "[vfs@/var/lib/x]docker.io/library/busybox"),
  scoped("containers-storage", "[/var/lib/x]"),
  scoped("atomic", "host:8443/ns/stream:tag"),
  scoped("never-heard-of", "//"),
  // A key of a prototype is a scope like any other.
  scoped("docker", "__proto__"),
];

/** Policies that nobody reads. */
const BAD = [
  "",
  "null",
  "[]",
  "{}",
  `{"default":[]}`,
  `{"default":null}`,
  `{"default":{}}`,
  `{"Default":[${ANY}]}`,
  `{"default":[${ANY}]} {}`,
  `{"default":[${ANY}]}\0`,
  `\ufeff{"default":[${ANY}]}`,
  `// comment\n{"default":[${ANY}]}`,
  `{"default":[${ANY}],"default":[${ANY}]}`,
  `{"default":[${ANY}],"def\\u0061ult":[${ANY}]}`,
  `{"default":[${ANY}],"transports":null}`,
  `{"default":[${ANY}],"more":1}`,
  `{"default":[${ANY}],"__proto__":{}}`,
  `{"default":[${ANY}],"transports":{"docker":null}}`,
  `{"default":[${ANY}],"transports":{"docker":{"":[]}}}`,
  `{"default":[${ANY}],"transports":{"docker":{"a":[${ANY}],"\\u0061":[${ANY}]}}}`,
  `{"default":[${ANY}],"transports":{"docker":{},"docker":{}}}`,
  `{"default":[${ANY}]`,
  of(""),
  of('"type":"accept"'),
  of('"Type":"reject"'),
  of('"type":"reject","more":1'),
  of('"type":1'),
  of('"type":"signedBy","keyPath":"/k"'),
  of('"type":"signedBy","keyType":"","keyPath":"/k"'),
  of('"type":"signedBy","keyType":"gpgkeys","keyPath":"/k"'),
  of(GPG),
  of(`${GPG},"keyPath":""`),
  of(`${GPG},"keyPath":1`),
  of(`${GPG},"keyPath":"/k","keyData":"AAAA"`),
  of(`${GPG},"keyData":"A"`),
  of(`${GPG},"keyData":"A A="`),
  of(`${GPG},"keyPath":"/k","signedIdentity":null`),
  of('"type":"signedBaseLayer"'),
  of(`${SIGSTORE},"keyType":"GPGKeys","keyPath":"/k"`),
  of(SIGSTORE),
  of(`${SIGSTORE},"keyPath":"/k","keyData":"AAAA"`),
  identity('"type":"matchSome"'),
  identity('"type":"matchExact","more":1'),
  identity('"type":"exactReference"'),
  identity('"type":"exactReference","dockerReference":"busybox"'),
  identity('"type":"exactReference","dockerReference":"UPPER:1"'),
  identity('"type":"exactRepository","dockerRepository":"-"'),
  identity('"type":"remapIdentity","prefix":"a.b/","signedPrefix":"a.b"'),
  identity('"type":"remapIdentity","prefix":"a.b/c:1","signedPrefix":"a.b"'),
  identity('"type":"remapIdentity","prefix":"","signedPrefix":"a.b"'),
  identity('"type":"remapIdentity","prefix":"a.b"'),
  scoped("dir", "relative"),
  scoped("dir", "/"),
  scoped("dir", "/a/"),
  scoped("dir", "/a/../b"),
  scoped("oci", "/a//b"),
  scoped("docker-archive", "/a"),
  scoped("docker-daemon", `sha256:${"0".repeat(64)}`),
  scoped("containers-storage", "busybox"),
  scoped("containers-storage", "[vfs@relative]"),
];

/** Policies that c/image 5.24 and later accept, and skopeo 1.9.3 does not. */
const NEWER_GOOD = [
  of(`${GPG},"keyPaths":["/k","/l"]`),
  of(`${GPG},"keyPaths":[]`),
  of(`${SIGSTORE},"keyPaths":["/k"]`),
  of(`${SIGSTORE},"keyDatas":["AAAA"]`),
  of(`${SIGSTORE},"keyPath":"/k","rekorPublicKeyPath":"/r"`),
  of(`${SIGSTORE},"keyPath":"/k","rekorPublicKeyDatas":["AAAA"]`),
  of(`${SIGSTORE},${FULCIO},"rekorPublicKeyData":"AAAA"`),
  of(`${SIGSTORE},"pki":{"caRootsPath":"/c","caIntermediatesData":"AAAA","subjectHostname":"h"}`),
];

const NEWER_BAD = [
  // Debian's skopeo does not know this transport.
  scoped("atomic", "a/b/c/d"),
  of(`${SIGSTORE},"keyPaths":[]`),
  of(`${SIGSTORE},"keyDatas":[]`),
  of(`${SIGSTORE},"keyPath":"/k","rekorPublicKeyPaths":[]`),
  of(`${SIGSTORE},"keyPath":"/k","rekorPublicKeyPath":"/r","rekorPublicKeyData":"AAAA"`),
  of(`${SIGSTORE},${FULCIO}`),
  of(`${SIGSTORE},${FULCIO},"keyPath":"/k","rekorPublicKeyData":"AAAA"`),
  of(`${SIGSTORE},"fulcio":{"caPath":"/c","oidcIssuer":"i"},"rekorPublicKeyData":"AAAA"`),
  of(`${SIGSTORE},"fulcio":{"oidcIssuer":"i","subjectEmail":"e"},"rekorPublicKeyData":"AAAA"`),
  of(`${SIGSTORE},"fulcio":null,"rekorPublicKeyData":"AAAA"`),
  of(`${SIGSTORE},"pki":{"caRootsPath":"/c"}`),
  of(`${SIGSTORE},"pki":{"subjectEmail":"e"}`),
  of(`${SIGSTORE},"pki":{"caRootsPath":"/c","caRootsData":"AAAA","subjectEmail":"e"}`),
  of(`${SIGSTORE},"pki":{"caRootsPath":"/c","subjectEmail":"e"},"rekorPublicKeyData":"AAAA"`),
];

Deno.test("policies are read, or refused with POLICY_INVALID", () => {
  for (const text of [...GOOD, ...NEWER_GOOD]) assert.ok(parsePolicy(encode(text)).default.length > 0, text);
  for (const text of [...BAD, ...NEWER_BAD]) {
    assert.throws(() => parsePolicy(encode(text), "the-file"), (error: Error & { code?: string }) => {
      assert.equal(error.code, "POLICY_INVALID", text);
      assert.match(error.message, /the-file/);
      return true;
    }, text);
  }
  // Deeper than anybody's.
  assert.throws(() => parsePolicy(encode("[".repeat(5000) + "]".repeat(5000))), { code: "POLICY_INVALID" });
  assert.throws(() => parsePolicy(new Uint8Array([0x7b, 0xff, 0x7d])), { code: "POLICY_INVALID" });
  assert.throws(() => createPolicy(undefined), { code: "POLICY_INVALID" });
});

folderTest("skopeo reads the same policies", async (folder) => {
  const rows = [...GOOD.map((text) => [text, true] as const), ...BAD.map((text) => [text, false] as const)];
  for (const [text, good] of rows) {
    await Deno.writeTextFile(`${folder}/policy.json`, text);
    const args = ["--policy", `${folder}/policy.json`, "copy", "dir:/nonexistent", `dir:${folder}/copy`];
    const { stderr } = await exec(["skopeo", ...args]);
    assert.equal(!/loading trust policy/i.test(stderr), good, `${text}: ${stderr}`);
  }
}, ["skopeo"]);

Deno.test("only the first scope that exists applies", () => {
  const scopes = [
    "example.com:8443/ns/app:1",
    "example.com:8443/ns",
    "example.com:8443",
    "*.com",
    "host.example.com",
    "",
  ];
  const docker = Object.fromEntries(scopes.map((scope) => [scope, [{ type: "reject" }]]));
  const policy = createPolicy({ default: [{ type: "insecureAcceptAnything" }], transports: { docker } });
  const rows: [image: string, scope: string | undefined][] = [
    ["docker://example.com:8443/ns/app:1", "example.com:8443/ns/app:1"],
    ["docker://example.com:8443/ns/app:2", "example.com:8443/ns"],
    [`docker://example.com:8443/ns/app@sha256:${"0".repeat(64)}`, "example.com:8443/ns"],
    ["docker://example.com:8443/other/app", "example.com:8443"],
    ["docker://example.com/ns/app:1", "*.com"],
    ["docker://host.example.com/app", "host.example.com"],
    ["docker://host.example.org/app", ""],
    ["docker://example.com:8443/nsx/app", "example.com:8443"],
    ["dir:/tmp", undefined],
  ];
  for (const [name, scope] of rows) {
    const { transport, policyConfigurationIdentity, policyConfigurationNamespaces } = parseImageName(name);
    const image = { transport, identity: policyConfigurationIdentity, namespaces: policyConfigurationNamespaces };
    const chosen = chooseScope(policy, image);
    assert.equal(chosen.scope, scope, name);
    assert.equal(chosen.requirements[0]!.type, scope === undefined ? "insecureAcceptAnything" : "reject");
  }
});

Deno.test("each kind of identity matches the right names", () => {
  const D = `@sha256:${"0".repeat(64)}`;
  const exact: SignedIdentity = { type: "matchExact" };
  const digestOrExact: SignedIdentity = { type: "matchRepoDigestOrExact" };
  const repository: SignedIdentity = { type: "matchRepository" };
  const reference: SignedIdentity = { type: "exactReference", dockerReference: "a.b/c:1" };
  const exactRepository: SignedIdentity = { type: "exactRepository", dockerRepository: "a.b/c" };
  const remap = (prefix: string, signedPrefix: string): SignedIdentity => ({
    type: "remapIdentity",
    prefix,
    signedPrefix,
  });
  const rows: [identity: SignedIdentity, used: string | undefined, signed: string, matches: boolean][] = [
    [exact, "busybox:1", "docker.io/library/busybox:1", true],
    [exact, "docker.io/library/busybox:1", "busybox:1", true],
    [exact, "a.b/c:1", "a.b/c:2", false],
    [exact, "a.b/c:1", "a.b/d:1", false],
    [exact, "a.b/c:1", "a.c/c:1", false],
    [exact, "a.b/c:1", "a.b/c", false],
    [exact, `a.b/c${D}`, "a.b/c:1", false],
    [exact, `a.b/c${D}`, `a.b/c${D}`, true],
    [exact, undefined, "a.b/c:1", false],
    [digestOrExact, "a.b/c:1", "a.b/c:1", true],
    [digestOrExact, "a.b/c:1", "a.b/c:2", false],
    [digestOrExact, `a.b/c${D}`, "a.b/c:2", true],
    [digestOrExact, `a.b/c${D}`, "a.b/c", false],
    [digestOrExact, `a.b/d${D}`, "a.b/c:2", false],
    [digestOrExact, `a.b/c:1${D}`, "a.b/c:1", false],
    [digestOrExact, undefined, "a.b/c:1", false],
    [repository, "a.b/c:1", "a.b/c:2", true],
    [repository, "a.b/c:1", "a.b/c", true],
    [repository, "a.b/c:1", "a.b/c/d", false],
    [repository, undefined, "a.b/c", false],
    [reference, undefined, "a.b/c:1", true],
    [reference, "x.y/z:1", "a.b/c:1", true],
    [reference, "a.b/c:1", "a.b/c:2", false],
    [exactRepository, undefined, "a.b/c:2", true],
    [exactRepository, undefined, "a.b/cc:2", false],
    [remap("mirror.example/a", "a.b"), "mirror.example/a/c:1", "a.b/c:1", true],
    [remap("mirror.example/a", "a.b"), "mirror.example/a/c:1", "mirror.example/a/c:1", false],
    [remap("mirror.example/a", "a.b"), "mirror.example/ab/c:1", "a.bb/c:1", false],
    [remap("mirror.example/a", "a.b"), "other.example/c:1", "other.example/c:1", true],
    [remap("mirror.example", "a.b"), "mirror.example:5000/c:1", "a.b:5000/c:1", false],
    [remap("example.com:5000", "a.b"), "example.com:50000/c:1", "a.b0/c:1", false],
    [remap("docker.io", "a.b"), "busybox:1", "a.b/library/busybox:1", true],
    // The result of the exchange must be a name as it stands: this one would be short.
    [remap("mirror.example", "busybox"), "mirror.example/c:1", "docker.io/busybox/c:1", false],
    [remap("mirror.example", "a.b"), undefined, "a.b/c:1", false],
    ...["", "A.b/C:1", "a.b/../c:1", "a.b//c:1", "a.b/с:1", "a.b/c:1 ", "a.b/c:1\0", "md5:0", "__proto__"].flatMap((
      odd,
    ): [SignedIdentity, string, string, boolean][] => [[repository, "a.b/c:1", odd, false], [
      exact,
      "a.b/c:1",
      odd,
      false,
    ]]),
  ];
  for (const [i, [identity, used, signed, matches]] of rows.entries()) {
    assert.equal(
      matchesIdentity(identity, used === undefined ? undefined : parseReference(used), signed),
      matches,
      `row ${i}`,
    );
  }
  assert.equal(matchesIdentity({ type: "anything" } as never, parseReference("a.b/c:1"), "a.b/c:1"), false);
});
