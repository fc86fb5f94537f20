/** Lint rules that apply the wording rules of `english.ts` to comments and strings of the sources. */
import { commentProse, findDialect, shortDocWords } from "./english.ts";

const plugin: Deno.lint.Plugin = {
  name: "english",
  rules: {
    wording: {
      create(context) {
        // These files consist of the refused wordings.
        if (/\/english(_test)?\.ts$/.test(context.filename)) return {};
        const report = (start: number, prose: string) => {
          for (const { index, found, instead } of findDialect(prose)) {
            const range: Deno.lint.Range = [start + index, start + index + found.length];
            context.report({ range, message: `${JSON.stringify(found)}: write ${instead}` });
          }
        };
        return {
          Program() {
            for (const comment of context.sourceCode.getAllComments()) {
              const prose = comment.type === "Block" ? commentProse(comment.value) : comment.value;
              report(comment.range[0] + 2, prose);
            }
          },
          Literal(node) {
            if (typeof node.value === "string") report(node.range[0] + 1, node.value);
          },
          TemplateLiteral(node) {
            const [start, end] = node.range;
            let text = context.sourceCode.text.slice(start, end);
            // A sentence continues after a value; the value itself is code.
            for (const { range: [from, to] } of node.expressions) {
              text = text.slice(0, from - start) + "x".repeat(to - from) + text.slice(to - start);
            }
            report(start + 1, text.slice(1, -1));
          },
        };
      },
    },
    docs: {
      create(context) {
        if (!context.filename.includes("/src/")) return {};
        return {
          Program() {
            for (const comment of context.sourceCode.getAllComments()) {
              if (comment.type !== "Block" || !comment.value.startsWith("*")) continue;
              const words = shortDocWords(comment.value.slice(1));
              if (words !== undefined) {
                context.report({
                  range: comment.range,
                  message:
                    `a documentation comment of ${words} words says too little: give the meaning, the unit, the default`,
                });
              }
            }
          },
        };
      },
    },
  },
};

export default plugin;
