# bash completion for setuser: a user, perhaps with a group, then any command.
_setuser() {
    local cur=${COMP_WORDS[COMP_CWORD]} first=1
    # `:` breaks words in bash, so USER:GROUP may be three of them.
    if [[ ${COMP_WORDS[2]-} = : ]]; then first=3; fi
    if [[ $COMP_CWORD -gt $first ]]; then
        if declare -F _command_offset >/dev/null; then
            _command_offset $((first + 1))
        else
            mapfile -t COMPREPLY < <(compgen -c -- "$cur")
        fi
    elif [[ $cur = -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W '--help --version' -- "$cur")
    elif [[ $COMP_CWORD -ge 2 ]]; then
        mapfile -t COMPREPLY < <(compgen -g -- "${cur#:}")
    else
        mapfile -t COMPREPLY < <(compgen -u -- "$cur")
    fi
} && complete -o default -F _setuser setuser
