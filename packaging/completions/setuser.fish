# fish completion for setuser: a user, then any command.
complete -c setuser -n '__fish_is_nth_token 1' -f -a '(__fish_complete_users)'
complete -c setuser -n '__fish_is_nth_token 1' -s h -l help -d 'Print help'
complete -c setuser -n '__fish_is_nth_token 1' -s V -l version -d 'Print the version'
complete -c setuser -n 'not __fish_is_nth_token 1' -a '(__fish_complete_subcommand --fcs-skip=2)'
