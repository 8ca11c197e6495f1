complete -c setuser -s h -l help -d 'Print help'
complete -c setuser -s V -l version -d 'Print the version'
complete -c setuser -n 'test (count (commandline -opc)) -eq 1' -x -a '(__fish_complete_users)'
complete -c setuser -n 'test (count (commandline -opc)) -ge 2' -x -a '(__fish_complete_subcommand --fcs-skip=2)'
