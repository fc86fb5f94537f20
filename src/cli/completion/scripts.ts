/** Completion scripts by shell. They call `manifests __complete`, so that the program itself decides what to offer. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# manifests completion bash > /etc/bash_completion.d/manifests
_manifests() {
  local line="\${COMP_LINE:0:COMP_POINT}" words word
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  local current="\${words[-1]}"
  # Bash starts a new word after a colon and after an equals sign.
  local start="\${current%"\${current##*[:=]}"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r word _; do
    case $word in
      :files) compopt -o default ;;
      :folders) compopt -o default -o dirnames ;;
      *) COMPREPLY+=("\${word#"$start"}") ;;
    esac
  done < <("\${words[0]}" __complete -- "\${words[@]:1}" 2>/dev/null)
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *= ]] && compopt -o nospace
}
complete -F _manifests manifests`,
  zsh: `#compdef manifests
# manifests completion zsh > "\${fpath[1]}/_manifests"
_manifests() {
  local line word
  local -a described
  while IFS= read -r line; do
    word="\${line%%$'\\t'*}"
    case $word in
      :files) _files; return ;;
      :folders) _files -/; return ;;
    esac
    if [[ $line == *$'\\t'* ]]; then
      described+=("\${word//:/\\\\:}:\${line#*$'\\t'}")
    else
      described+=("\${word//:/\\\\:}")
    fi
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe 'manifests' described
}
compdef _manifests manifests`,
  fish: `# manifests completion fish > ~/.config/fish/completions/manifests.fish
function __manifests_complete
  set -l words (commandline -opc)
  set -l typed (commandline -ct)
  for line in ($words[1] __complete -- $words[2..] "$typed" 2>/dev/null)
    switch $line
      case ':files' ':folders'
        __fish_complete_path "$typed"
      case '*'
        echo $line
    end
  end
end
complete -c manifests -f -a '(__manifests_complete)'`,
};
