import type { AssemblyBuilder } from "../../signature/room.ts";

/**
 * Describes the CI job that this program runs in, by its environment variables: GitHub Actions and GitLab CI are known.
 * Other environments give nothing: neither the host nor the user is recorded.
 *
 * @param env Returns the value of an environment variable; `undefined` if it is not set or must not be read.
 */
export function findCiBuilder(env: (name: string) => string | undefined): AssemblyBuilder {
  if (env("GITHUB_ACTIONS") === "true") return describeGitHub(env);
  if (env("GITLAB_CI") === "true") return describeGitLab(env);
  return {};
}

function describeGitHub(env: (name: string) => string | undefined): AssemblyBuilder {
  const server = env("GITHUB_SERVER_URL"), repository = env("GITHUB_REPOSITORY");
  const workflow = env("GITHUB_WORKFLOW_REF"), run = env("GITHUB_RUN_ID");
  const commit = env("GITHUB_SHA"), ref = env("GITHUB_REF");
  const url = server && repository && `${server}/${repository}`;
  return {
    ...(server && workflow ? { id: `${server}/${workflow}` } : {}),
    ...(url && run ? { invocationId: `${url}/actions/runs/${run}/attempts/${env("GITHUB_RUN_ATTEMPT") ?? "1"}` } : {}),
    ...(url && commit && ref ? { source: { uri: `git+${url}@${ref}`, gitCommit: commit } } : {}),
  };
}

function describeGitLab(env: (name: string) => string | undefined): AssemblyBuilder {
  const url = env("CI_PROJECT_URL"), runner = env("CI_RUNNER_ID"), job = env("CI_JOB_URL");
  const commit = env("CI_COMMIT_SHA"), ref = env("CI_COMMIT_REF_NAME");
  const kind = env("CI_COMMIT_TAG") ? "tags" : "heads";
  return {
    ...(url && runner ? { id: `${url}/-/runners/${runner}` } : {}),
    ...(job ? { invocationId: job } : {}),
    ...(url && commit && ref ? { source: { uri: `git+${url}@refs/${kind}/${ref}`, gitCommit: commit } } : {}),
  };
}
