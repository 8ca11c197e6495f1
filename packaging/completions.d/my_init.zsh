#compdef my_init
_arguments -S \
    '(- *)'{-h,--help}'[print help]' \
    '(- *)--version[print the version]' \
    '--enable-insecure-key[install the insecure SSH key for root]' \
    '--skip-startup-files[run neither /etc/my_init.d/* nor /etc/rc.local]' \
    '--skip-runit[start no services and run no shutdown hooks]' \
    '--no-kill-all-on-exit[leave other processes alone at exit]' \
    '--quiet[print warnings and errors only]' \
    '--check[print what a start would do]' \
    '(-)1:command: _command_names -e' \
    '*::arguments: _normal'
