/** The examples work: a deployment, and jobs of a workflow that report to it. */
import assert from "node:assert/strict";
import { parse } from "yaml";
import { inspectIndex } from "../../src/system/remote/room.ts";
import { pushPlatforms } from "../support/images.ts";
import { TestIssuer } from "../support/jwt.ts";
import { exec, peerTest } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { platformTexts } from "../support/platform_texts.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

const ROOT = new URL("../../", import.meta.url).pathname;
const REQUEST_TOKEN = "what-the-runner-knows";

/** Issuer over HTTP, like GitHub: public keys, and tokens for runners. */
async function startIssuer() {
  const keys = await TestIssuer.create();
  const audiences: (string | null)[] = [];
  const server = serve(async (request) => {
    const url = new URL(request.url);
    if (url.pathname === "/.well-known/jwks") return Response.json({ keys: [keys.jwk] });
    if (request.headers.get("authorization") !== `Bearer ${REQUEST_TOKEN}`) return new Response("", { status: 401 });
    const [now, aud] = [Math.floor(Date.now() / 1000), url.searchParams.get("audience")];
    audiences.push(aud);
    const { repository, ref } = Object.fromEntries(url.searchParams);
    const claims = { iss: url.origin, aud, repository, ref, iat: now, exp: now + 300 };
    return Response.json({ value: await keys.sign(claims) });
  });
  return { ...server, audiences };
}

/** Starts `examples/deploy.ts` on loopback. */
async function startDeployment(env: Record<string, string>) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--no-prompt", "--allow-net", "--allow-env", "examples/deploy.ts"],
    cwd: ROOT,
    env: { DENO_SERVE_ADDRESS: "tcp:127.0.0.1:0", NO_COLOR: "1", FAN_IN_DATABASE: ":memory:", ...env },
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let said = "";
  const reader = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let url: string | undefined;
  while (url === undefined) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the deployment ended: ${said}`);
    url = /Listening on (http:\/\/[\d.:]+)\//.exec(said += value)?.[1];
  }
  const output = new Response(child.stdout).text();
  return {
    url,
    /** Ends the deployment, and returns the lines of its log. */
    async end(): Promise<Record<string, unknown>[]> {
      child.kill();
      await child.status;
      return (await output).trim().split("\n").map((line) => JSON.parse(line));
    },
    async [Symbol.asyncDispose]() {
      try {
        child.kill();
      } catch {
        // It has ended.
      }
      await Promise.all([child.status, output]);
      await reader.cancel();
    },
  };
}

interface Workflow {
  env: Record<string, string>;
  permissions: Record<string, string>;
  jobs: {
    build: {
      strategy: { matrix: { include: { platform: string }[] } };
      steps: { name?: string; env: Record<string, string>; run: string }[];
    };
  };
}

peerTest(
  "the example deployment publishes the index of the jobs of the example workflow",
  ["curl", "jq"],
  async () => {
    await using registry = startEmbedded();
    await using issuer = await startIssuer();
    const audience = "https://fan-in.example/?a=b&c";
    await using deployment = await startDeployment({
      FAN_IN_TARGETS: `${registry.host}/me/app`,
      INSECURE_REGISTRY: "true",
      GITHUB_REPOSITORIES: "me/app, me/tools",
      GITHUB_ISSUER: `http://${issuer.host}`,
      FAN_IN_AUDIENCE: audience,
    });
    const workflow = parse(await Deno.readTextFile(`${ROOT}examples/github-matrix.yml`)) as Workflow;
    const { build } = workflow.jobs;
    const platforms = build.strategy.matrix.include.map(({ platform }) => platform);
    assert.equal(workflow.permissions["id-token"], "write");
    assert.deepEqual(JSON.parse(workflow.env.EXPECTED!), platforms);
    const digests = await pushPlatforms(
      registry.host,
      "me/app",
      platforms.map((platform) => ({ architecture: platform.split("/")[1]! })),
    );
    const step = build.steps.find(({ name }) => name === "Report to the fan-in")!;
    const report = async (i: number, repository: string, ref = "refs/tags/v1") => {
      const values: Record<string, string> = {
        TARGET: `${registry.host}/me/app:v1`,
        RUN: "17",
        PLATFORM: platforms[i]!,
        DIGEST: digests[i]!,
        URL: audience,
      };
      assert.deepEqual(Object.keys(step.env).sort(), Object.keys(values).sort());
      // The audience of the tokens need not be the URL at which the test serves the deployment.
      const script = step.run.replace('"$URL/fan-in"', `"${deployment.url}/fan-in"`);
      return await exec(["bash", "-eo", "pipefail", "-c", script], {
        ...values,
        EXPECTED: workflow.env.EXPECTED!,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: REQUEST_TOKEN,
        ACTIONS_ID_TOKEN_REQUEST_URL: `http://${issuer.host}/token?repository=${repository}&ref=${ref}`,
      });
    };
    for (const stranger of [await report(0, "you/app"), await report(0, "me/app", "refs/heads/main")]) {
      assert.equal(stranger.code, 22, stranger.stderr);
      assert.match(stranger.stdout, /"code":"DENIED"/);
    }
    const states = [];
    for (const i of platforms.keys()) {
      const { code, stdout, stderr } = await report(i, "me/app");
      assert.equal(code, 0, stderr + stdout);
      states.push(JSON.parse(stdout.split("\n").at(-1)!).state);
    }
    assert.deepEqual(states, ["collecting", "published"]);
    assert.deepEqual(issuer.audiences, Array(4).fill(audience));
    const systemContext = { dockerInsecureSkipTlsVerify: true };
    const { instances } = await inspectIndex(`${registry.host}/me/app:v1`, { systemContext });
    assert.deepEqual(platformTexts(instances), platforms);
    const lines = await deployment.end();
    const published = lines.filter(({ step }) => step === "publish");
    assert.deepEqual(published.map(({ caller, rules, target, run, result }) => [caller, rules, target, run, result]), [
      ["me/app@refs/tags/v1", ["GITHUB_REPOSITORIES"], `${registry.host}/me/app:v1`, "17", "ok"],
    ]);
    const requests = lines.filter(({ type }) => type === "request");
    assert.deepEqual(requests.map(({ status }) => status), [403, 403, 200, 200]);
  },
);

Deno.test("the example deployment names the variable that is missing or invalid", async () => {
  const targets = { FAN_IN_TARGETS: "quay.io/me/app" }, token = { FAN_IN_TOKEN: "a-token-of-some-length" };
  const cases: [env: Record<string, string>, variable: string][] = [
    [{}, "FAN_IN_TARGETS"],
    [targets, "FAN_IN_TOKEN"],
    [{ ...targets, FAN_IN_TOKEN: "short" }, "FAN_IN_TOKEN"],
    [{ ...targets, GITHUB_REPOSITORIES: "me/app" }, "FAN_IN_AUDIENCE"],
    [{ ...targets, GITHUB_REPOSITORIES: "*", FAN_IN_AUDIENCE: "x" }, "GITHUB_REPOSITORIES"],
    [{ ...targets, ...token, REGISTRY_USERNAME: "me" }, "REGISTRY_PASSWORD"],
    [{ ...token, FAN_IN_TARGETS: "app" }, "FAN_IN_TARGETS"],
  ];
  for (const [env, variable] of cases) {
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "--allow-net", "--allow-env", "examples/deploy.ts"],
      cwd: ROOT,
      env: { NO_COLOR: "1", FAN_IN_DATABASE: ":memory:", ...env },
    }).output();
    const message = new TextDecoder().decode(stderr);
    assert.deepEqual([code, stdout.length], [1, 0], message);
    assert.match(message, new RegExp(`^Cannot start the service: .*${variable}.*\\n$`));
  }
});
