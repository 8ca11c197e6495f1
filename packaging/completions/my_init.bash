# Completions of my_init(8) for bash: its options, then the command and what that completes.
_my_init() {
    local word i
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == -- ]]; then ((i++)); break; fi
        [[ $word == -?* ]] || break
    done
    if ((i >= COMP_CWORD)) && [[ ${COMP_WORDS[COMP_CWORD]} == -* && ${COMP_WORDS[i - 1]} != -- ]]; then
        mapfile -t COMPREPLY < <(compgen -W '-h --help --version --enable-insecure-key
            --skip-startup-files --skip-runit --no-kill-all-on-exit --quiet --check' -- "${COMP_WORDS[COMP_CWORD]}")
    elif declare -F _command_offset >/dev/null; then
        _command_offset "$i"
    elif declare -F _comp_command_offset >/dev/null; then
        _comp_command_offset "$i"
    else
        mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}")
    fi
}
complete -F _my_init my_init
