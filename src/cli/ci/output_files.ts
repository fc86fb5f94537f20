/** Formats of the files with which a job hands values to later steps and jobs. */
/**
 * Formats values for `GITHUB_OUTPUT` and `GITHUB_ENV`. The form with a delimiter is used for all values: with `NAME=VALUE`,
 * a line break in a value would set further outputs.
 *
 * @param delimiter Text that no value contains; a random one, so that nobody who supplies a value can know it.
 * @throws {RangeError} A name or a value contains the delimiter.
 */
export function formatGithubOutputs(outputs: Readonly<Record<string, string>>, delimiter: string): string {
  return Object.entries(outputs).map(([name, value]) => {
    if (name.includes(delimiter) || value.includes(delimiter)) {
      throw new RangeError(`Cannot write the output ${JSON.stringify(name)}: it contains the delimiter`);
    }
    return `${name}<<${delimiter}\n${value}\n${delimiter}\n`;
  }).join("");
}

/** Maximum size of a dotenv report that GitLab accepts by default, in bytes. */
const MAX_DOTENV_SIZE = 5 * 1024;

/** Variables as a dotenv report for GitLab. */
export interface Dotenv {
  /** Lines for the file; each has its line break. */
  readonly text: string;
  /** Names of the variables that were left out because GitLab would refuse the report: it is larger than 5 KiB. */
  readonly leftOut: readonly string[];
}

/**
 * Formats variables for GitLab's report `dotenv`, which supports neither quotes nor line breaks.
 *
 * @param size Size of the file to which they are appended, in bytes. Default: 0.
 * @throws {RangeError} A value has a line break.
 */
export function formatDotenv(variables: Readonly<Record<string, string>>, size = 0): Dotenv {
  let text = "";
  const leftOut: string[] = [];
  for (const [name, value] of Object.entries(variables)) {
    if (/[\r\n\0]/.test(value)) {
      throw new RangeError(`Cannot write the variable ${name}: its value has a line break: ${JSON.stringify(value)}`);
    }
    const longer = `${text}${name}=${value}\n`;
    if (size + new TextEncoder().encode(longer).length > MAX_DOTENV_SIZE) leftOut.push(name);
    else text = longer;
  }
  return { text, leftOut };
}
