# Completions of setuser: a user, and a group behind a colon; then a command with its own.
_setuser() {
    local word=${COMP_WORDS[COMP_CWORD]}
    COMPREPLY=()
    if ((COMP_CWORD > 1)); then
        # Readline splits words at colons.
        local command=2
        [ "${COMP_WORDS[2]}" = : ] && command=4
        if ((COMP_CWORD >= command)); then
            _command_offset $command
        else
            mapfile -t COMPREPLY < <(compgen -g -- "${word#:}")
        fi
    elif [[ $word == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--help --version' -- "$word")
    else
        mapfile -t COMPREPLY < <(compgen -u -- "$word")
    fi
}
complete -F _setuser setuser
