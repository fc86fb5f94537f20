/** The builder that provenance names, by the environment of a job. */
import assert from "node:assert/strict";
import { findCiBuilder } from "../../src/actions/room.ts";

const GITHUB = {
  GITHUB_ACTIONS: "true",
  GITHUB_SERVER_URL: "https://github.com",
  GITHUB_REPOSITORY: "me/app",
  GITHUB_WORKFLOW_REF: "me/app/.github/workflows/release.yml@refs/heads/main",
  GITHUB_RUN_ID: "7",
  GITHUB_RUN_ATTEMPT: "2",
  GITHUB_SHA: "abc",
  GITHUB_REF: "refs/heads/main",
};
const GITLAB = {
  GITLAB_CI: "true",
  CI_PROJECT_URL: "https://gitlab.com/me/app",
  CI_RUNNER_ID: "12",
  CI_JOB_URL: "https://gitlab.com/me/app/-/jobs/3",
  CI_COMMIT_SHA: "abc",
  CI_COMMIT_REF_NAME: "main",
};

const CASES: [name: string, env: Record<string, string>, builder: unknown][] = [
  ["GitHub Actions", GITHUB, {
    id: "https://github.com/me/app/.github/workflows/release.yml@refs/heads/main",
    invocationId: "https://github.com/me/app/actions/runs/7/attempts/2",
    source: { uri: "git+https://github.com/me/app@refs/heads/main", gitCommit: "abc" },
  }],
  ["GitLab CI", GITLAB, {
    id: "https://gitlab.com/me/app/-/runners/12",
    invocationId: "https://gitlab.com/me/app/-/jobs/3",
    source: { uri: "git+https://gitlab.com/me/app@refs/heads/main", gitCommit: "abc" },
  }],
  ["GitLab CI for a tag", { ...GITLAB, CI_COMMIT_TAG: "v1", CI_COMMIT_REF_NAME: "v1" }, {
    id: "https://gitlab.com/me/app/-/runners/12",
    invocationId: "https://gitlab.com/me/app/-/jobs/3",
    source: { uri: "git+https://gitlab.com/me/app@refs/tags/v1", gitCommit: "abc" },
  }],
  ["variables that may not be read", { GITHUB_ACTIONS: "true" }, {}],
  ["a shell with variables of a job", { ...GITHUB, GITHUB_ACTIONS: "" }, {}],
  ["any other machine", { HOSTNAME: "build-1", USER: "me" }, {}],
];

for (const [name, env, builder] of CASES) {
  Deno.test(`the builder of an assembly is described by the environment of ${name}`, () => {
    assert.deepEqual(findCiBuilder((variable) => env[variable]), builder);
  });
}
