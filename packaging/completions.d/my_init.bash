# Completions of my_init: its options, then a command with its own completions.
_my_init() {
    local i
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        case ${COMP_WORDS[i]} in
        --) _command_offset $((i + 1)); return ;;
        -*) ;;
        *) _command_offset "$i"; return ;;
        esac
    done
    case ${COMP_WORDS[COMP_CWORD]} in
    -*)
        mapfile -t COMPREPLY < <(compgen -W '--enable-insecure-key --skip-startup-files --skip-runit
            --no-kill-all-on-exit --quiet --check --version --help' -- "${COMP_WORDS[COMP_CWORD]}")
        ;;
    *) mapfile -t COMPREPLY < <(compgen -c -- "${COMP_WORDS[COMP_CWORD]}") ;;
    esac
}
complete -F _my_init my_init
