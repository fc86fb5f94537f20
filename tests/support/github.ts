/**
 * Reads `GITHUB_OUTPUT` as the runner does: `NAME=VALUE`, or `NAME<<DELIMITER` with the lines up to the delimiter. Throws
 * if the runner would fail the step.
 */
export function readGithubOutputs(text: string): Record<string, string> {
  const outputs: Record<string, string> = {};
  const lines = text.split("\n");
  if (lines.at(-1) === "") lines.pop();
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (line === "") continue;
    const [equals, heredoc] = [line.indexOf("="), line.indexOf("<<")];
    if (equals >= 0 && (heredoc < 0 || equals < heredoc)) {
      if (equals === 0) throw new Error(`no name: ${line}`);
      outputs[line.slice(0, equals)] = line.slice(equals + 1);
      continue;
    }
    const [name, delimiter] = [line.slice(0, heredoc), line.slice(heredoc + 2)];
    if (heredoc < 1 || delimiter === "") throw new Error(`neither a value nor a delimiter: ${line}`);
    const end = lines.indexOf(delimiter, i + 1);
    if (end < 0) throw new Error(`delimiter not found: ${delimiter}`);
    outputs[name] = lines.slice(i + 1, end).join("\n");
    i = end;
  }
  return outputs;
}
