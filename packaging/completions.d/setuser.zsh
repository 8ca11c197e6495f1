#compdef setuser
_setuser_who() {
    if compset -P '*:'; then _groups; else _users; fi
}
_arguments -S \
    '(- *)'{-h,--help}'[print help]' \
    '(- *)'{-V,--version}'[print the version]' \
    '(-)1:user: _setuser_who' \
    '(-)2:command: _command_names -e' \
    '*::arguments: _normal'
