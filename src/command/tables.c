/*
 * The rows. A wrapper's options come from its manual page or its source, all of them: an option
 * that is not listed ends the walk, because its value could be read as the program.
 * The trap: the same letter has another meaning elsewhere. `-h` is help for puma and a host name
 * for `falcon serve`; `-v` is verbose for puma and the version for unicorn; `-e` is puma's
 * environment and unicorn's code.
 */
#include "command/tables.h"

#include <string.h>

#include "signalbox/base/cleanup.h"

enum {
    GETOPT = STYLE_CLUSTERS,
    GETOPT_LONG = STYLE_CLUSTERS | STYLE_ABBREVIATES,
    PFLAG = STYLE_CLUSTERS | STYLE_SWITCHES | STYLE_INTERSPERSED,
    ASKED = STYLE_BEFORE_STEPS | STYLE_ASKED,
    SECRETS = ASKED | STYLE_SECRETS,
    SU = GETOPT_LONG | ASKED | STYLE_SHELL_WORDS | STYLE_ROOT
};

#define RUBY_OPTIONS                                                                               \
    "-0? -a -c! -C:C -X:C -d -e!T -E: -F? -h! -i? -I: -K? -l -n -p -r: -s -S -T? -U -v -w -W? "    \
    "-x? -y -.T "                                                                                  \
    "--copyright! --dump! --enable: --disable: "                                                   \
    "--encoding: --external-encoding: --internal-encoding: --backtrace-limit: --parser: "          \
    "--crash-report: --help! --version!"

#define SU_OPTIONS                                                                                 \
    "-m -p --preserve-environment -w: --whitelist-environment: -g: --group: -G: --supp-group: "    \
    "-.L -l.L --login.L -c:X --command:X --session-command:X -f --fast -s: --shell: -P --pty "     \
    "-T --no-pty -h! --help! -V! --version!"

static const struct wrapper wrappers[] = {
    /* coreutils, util-linux, GNU time, and the shell's own. */
    {"env", NULL, "", GETOPT_LONG | STYLE_ASSIGNMENTS | STYLE_BEFORE_STEPS,
        "-.I -i.I --ignore-environment.I -0! --null! -u:N --unset:N -C:C --chdir:C -S:S "
        "--split-string:S -a: --argv0: --block-signal? --default-signal? --ignore-signal? "
        "--list-signal-handling -v --debug --help! --version!"},
    {"nice", NULL, "", GETOPT_LONG | STYLE_NUMBERS, "-n: --adjustment: --help! --version!"},
    {"nohup", NULL, "", GETOPT_LONG, "--help! --version!"},
    {"stdbuf", NULL, "", GETOPT_LONG, "-i: --input: -o: --output: -e: --error: --help! --version!"},
    {"timeout", NULL, "n", GETOPT_LONG,
        "-k: --kill-after: -s: --signal: -v --verbose -f --foreground -p --preserve-status --help! "
        "--version!"},
    {"ionice", NULL, "", GETOPT_LONG,
        "-c: --class: -n: --classdata: -p! --pid! -P! --pgid! -u! --uid! -t --ignore -h! --help! "
        "-V! --version!"},
    {"chrt", NULL, "?n", GETOPT_LONG,
        "-b --batch -d --deadline -f --fifo -i --idle -o --other -e --ext -r --rr -R "
        "--reset-on-fork -T: --sched-runtime: -P: --sched-period: -D: --sched-deadline: -a "
        "--all-tasks -m! --max! -p! --pid! -v --verbose -h! --help! -V! --version!"},
    {"taskset", NULL, "m", GETOPT_LONG,
        "-a --all-tasks -p! --pid! -c --cpu-list -h! --help! -V! --version!"},
    {"setsid", NULL, "", GETOPT_LONG, "-c --ctty -f --fork -w --wait -h! --help! -V! --version!"},
    {"setpriv", NULL, "", GETOPT_LONG | STYLE_BEFORE_STEPS,
        "-d! --dump! --nnp --no-new-privs --ambient-caps: --inh-caps: --bounding-set: --list-caps! "
        "--ruid:U --euid:U --rgid: --egid: --reuid:U --regid: --clear-groups --keep-groups "
        "--init-groups --groups: --securebits: --pdeathsig: --ptracer: --selinux-label: "
        "--apparmor-profile: --landlock-access: --landlock-rule: --seccomp-filter: --reset-env.A "
        "-h! --help! -V! --version!"},
    {"runuser", NULL, "", SU, "-u:U --user:U " SU_OPTIONS},
    {"su", NULL, "", SU, SU_OPTIONS},
    {"time", NULL, "", GETOPT_LONG,
        "-a --append -f: --format: -o: --output: -p --portability -q --quiet -v --verbose -h! "
        "--help! -V! --version!"},
    {"exec", NULL, "", GETOPT, "-a: -c -l"},
    {"command", NULL, "", GETOPT, "-p -v! -V!"},
    {"builtin", NULL, "", GETOPT, ""},
    {"busybox", NULL, "", STYLE_EXACT, "--help! --list! --list-full! --install!"},
    /* Inits and supervisors. */
    {"tini", NULL, "", GETOPT, "-s -p: -v -w -g -e: -R: -h! -l! --version!"},
    {"tini-static", NULL, "", GETOPT, "-s -p: -v -w -g -e: -R: -h! -l! --version!"},
    {"docker-init", NULL, "", GETOPT, "-s -p: -v -w -g -e: -R: -h! -l! --version!"},
    {"dumb-init", NULL, "", GETOPT_LONG,
        "-c --single-child -r: --rewrite: -v --verbose -h! --help! -V! --version!"},
    {"catatonit", NULL, "", GETOPT_LONG, "-g -h! -L! -P! -V! --version!"},
    {"my_init", NULL, "", GETOPT_LONG,
        "--quiet --enable-insecure-key --skip-startup-files --skip-runit --no-kill-all-on-exit "
        "--no-main-command-timeout -h! --help!"},
    {"chpst", NULL, "", GETOPT | STYLE_BEFORE_STEPS,
        "-u:U -U: -b: -e:A -/: -C:C -n: -l: -L: -m: -d: -o: -p: -f: -c: -t: -v -V! -P -0 -1 -2"},
    {"with-contenv", NULL, "", ASKED, ""},
    {"s6-setuidgid", NULL, "u", STYLE_BEFORE_STEPS, ""},
    {"s6-applyuidgid", NULL, "", GETOPT | STYLE_BEFORE_STEPS, "-u:U -g: -G: -z -U"},
    {"s6-envdir", NULL, "w", GETOPT | ASKED, "-I -i -n -f -L -c:"},
    {"setuidgid", NULL, "u", STYLE_BEFORE_STEPS, ""},
    {"setuser", NULL, "u", ASKED, ""},
    {"envdir", NULL, "w", ASKED, ""},
    /* Other users. */
    {"gosu", NULL, "u", ASKED, "-h! --help! -v! --version!"},
    {"su-exec", NULL, "u", ASKED, ""},
    {"sudo", NULL, "", GETOPT_LONG | ASKED | STYLE_ASSIGNMENTS | STYLE_ROOT,
        "-A --askpass -B --bell -b --background -C: --close-from: -D:C --chdir:C -E "
        "--preserve-env? -e! --edit! -g: --group: -H --set-home -h! --help! --host: -i.L --login.L "
        "-K! --remove-timestamp! -k --reset-timestamp -l! --list! -N --no-update -n "
        "--non-interactive -P --preserve-groups -p: --prompt: -R: --chroot: -r: --role: -S --stdin "
        "-s.L --shell.L -t: --type: -U: --other-user: -T: --command-timeout: -u:U --user:U -V! "
        "--version! -v! --validate!"},
    /* Ruby. */
    {"bundle", "exec e ex exe", "", GETOPT | STYLE_FINDS,
        "--gemfile: --keep-file-descriptors --no-keep-file-descriptors -V --verbose --no-verbose "
        "--no-color --color -r: --retry: -h! --help! -v! --version!"},
    {"bundler", "exec e ex exe", "", GETOPT | STYLE_FINDS,
        "--gemfile: --keep-file-descriptors --no-keep-file-descriptors -V --verbose --no-verbose "
        "--no-color --color -r: --retry: -h! --help! -v! --version!"},
    {"ruby", NULL, "", GETOPT | STYLE_CONSOLE | STYLE_LENIENT, RUBY_OPTIONS},
    {"jruby", NULL, "", GETOPT | STYLE_CONSOLE | STYLE_LENIENT, RUBY_OPTIONS},
    {"truffleruby", NULL, "", GETOPT | STYLE_CONSOLE | STYLE_LENIENT, RUBY_OPTIONS},
    {"rbenv", "exec", "", STYLE_FINDS, ""},
    {"asdf", "exec", "", STYLE_FINDS, ""},
    {"rvm-exec", NULL, "w", STYLE_FINDS, ""},
    {"chruby-exec", NULL, "-", STYLE_FINDS, ""},
    {"direnv", "exec", "w", ASKED, ""},
    {"mise", "exec x", "-", ASKED, ""},
    {"thrust", NULL, "", STYLE_EXACT, ""},
    {"rake", "litestream:run", "", STYLE_EXACT, ""},
    {"rails", "litestream:run", "", STYLE_EXACT, ""},
    {"ddprofrb", "exec", "", STYLE_EXACT, "--help!"},
    {"ddtracerb", "exec", "", STYLE_EXACT, "--help!"},
    {"rdbg", NULL, "", GETOPT_LONG,
        "-n --nonstop -e: -x: --init-script: --no-rc --no-color --no-sigint-hook -c --command -O? "
        "--open? --sock-path: --port: --port-range: --host: --cookie: --session-name: -A! "
        "--attach! -v! --version! -h! --help! --util! --stop-at-load"},
    {"dotenv", NULL, "", GETOPT | ASKED | STYLE_OF_GEM,
        "-f: --file: -e: -o --overload --overwrite -i --ignore -c? --cascade? -t! --template! -h! "
        "--help! -v! --version!"},
    {"foreman", "run", "", GETOPT_LONG | ASKED | STYLE_OF_GEM,
        "-e: --env: -f: --procfile: -d: --root: -v! --version!"},
    {"forego", "run", "", GETOPT | ASKED, "-e:"},
    /* Secrets. */
    {"dotenvx", "run", "", SECRETS,
        "-l: --log-level: -q --quiet -v --verbose -d --debug -e+ --env+ -f+ --env-file+ -fv+ "
        "--env-vault-file+ -fk: --env-keys-file: --redact -o --overload --strict --convention: "
        "--ignore+ --token: --mask~ --lock-password: --no-armor --no-ops --no-native "
        "--no-1password --no-bitwarden -h! --help! -V! --version!"},
    {"doppler", "run", "", PFLAG | SECRETS,
        "-t: --token: --api-host: --dashboard-host: --no-check-version --no-verify-tls "
        "--no-timeout --timeout: --attempts: --no-dns-resolver --enable-dns-resolver "
        "--dns-resolver-address: --dns-resolver-proto: --dns-resolver-timeout: --no-read-env "
        "--scope: --configuration: --json --debug --print-config --silent -p: --project: -c: "
        "--config: --command:X --preserve-env? --name-transformer: --dynamic-ttl: --fallback: "
        "--passphrase: --no-cache --no-fallback --fallback-readonly --fallback-only "
        "--no-exit-on-write-failure --forward-signals --mount: --mount-format: --mount-template: "
        "--mount-max-reads: --only-secrets: --silent-exit --watch -h! --help! -v! --version!"},
    {"op", "run", "", PFLAG | SECRETS,
        "--env-file: --environment: --no-masking --account: --cache --config: --debug --encoding: "
        "--format: --iso-timestamps --no-color --session: -h! --help! -v! --version!"},
    {"aws-vault", "exec", "w", PFLAG | SECRETS,
        "--debug --backend: --prompt: --keychain: --secret-service-collection: --pass-dir: "
        "--pass-cmd: --pass-prefix: --file-dir: --use-login-keychain --biometrics -d: --duration: "
        "-n --no-session --region: -t: --mfa-token: --mfa-serial: --assume-role-ttl: "
        "--session-ttl: -j! --json! -s --server --ec2-server --ecs-server --lazy --stdout "
        "--help! --version!"},
    {"chamber", "exec", "-", PFLAG | SECRETS,
        "-r: --retries: --min-throttle-delay: --retry-mode: -v --verbose -b: --backend: "
        "--backend-s3-bucket: --kms-key-alias: --pristine --strict --strict-value: -h! --help!"},
    {"infisical", "run", "", PFLAG | SECRETS,
        "--domain: -l: --log-level: --telemetry --silent --token: --projectId: -e: --env: "
        "--expand --include-imports --recursive --secret-overriding --watch --watch-interval: "
        "-c:X --command:X -t: --tags: --path: --project-config-dir: --broker "
        "--broker-poll-interval: --broker-allow-hosts: --broker-block-unknown-hosts -h! --help! "
        "-v! --version!"},
    {"berglas", "exec", "-", SECRETS, ""},
    {"teller", "run", "-", SECRETS, ""},
    {"secrethub", "run", "-", SECRETS, ""},
    {"vals", "exec", "-", SECRETS, ""},
    {"sops", "exec-env", "w", SECRETS | STYLE_JOINED,
        "--user: --pristine --same-process --background -h! --help!"},
    /* What runs beside the app or waits for its services: Heroku's buildpacks and the like. */
    {"start-pgbouncer", NULL, "", STYLE_EXACT, ""},
    {"start-pgbouncer-stunnel", NULL, "", STYLE_EXACT, ""},
    {"start-stunnel", NULL, "", STYLE_EXACT, ""},
    {"start-nginx", NULL, "", STYLE_EXACT, ""},
    {"start-nginx-solo", NULL, "", STYLE_EXACT, ""},
    {"jemalloc.sh", NULL, "", STYLE_EXACT, ""},
    {"unbuffer", NULL, "", STYLE_EXACT, "-p"},
    {"wait-for-it", NULL, "-", STYLE_EXACT, ""},
    {"wait-for-it.sh", NULL, "-", STYLE_EXACT, ""},
    {"wait-for", NULL, "-", STYLE_EXACT, ""},
    {"wait-for.sh", NULL, "-", STYLE_EXACT, ""},
    {"dockerize", NULL, "", STYLE_EXACT,
        "-wait: -timeout: -template: -stdout: -stderr: -delims: -wait-http-header: "
        "-wait-retry-interval: -env: -multiline -poll -no-overwrite -version! -help!"},
    {"litestream", "replicate", "", STYLE_EXACT,
        "-exec:X --exec:X -config: --config: -no-expand-env --no-expand-env -h! -help! --help!"},
};

#define UNICORN_OPTIONS                                                                            \
    "-e --eval -I --include -r --require -o --host -p --port -E --env -P --pid -s --server -l "    \
    "--listen -c --config-file --path"

#define SIDEKIQ_OPTIONS                                                                            \
    "-c --concurrency -e --environment -g --tag -q --queue -r --require -t --timeout -C --config"

static const struct program programs[] = {
    {"rails", COMMAND_SERVER, COMMAND_TASK, "server s", PLACE_FIRST,
        "-p --port -b --binding -c --config -u --using -P --pid -e --environment", "-h --help -?",
        "!-e --environment"},
    {"puma", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST,
        "-b --bind -C --config --control-url --control-token --dir -e --environment -I --include "
        "--idle-timeout -p --port --pidfile --plugin --extra-runtime-dependencies -R --restart-cmd "
        "-S --state -t --threads -w --workers --tag --redirect-stdout --redirect-stderr",
        "-h --help -V --version", "-e --environment"},
    {"pumactl", COMMAND_SERVER, COMMAND_OTHER, "start", PLACE_ANY,
        "-S --state -P --pidfile -p --pid -C --control-url -T --control-token -F --config-file -e "
        "--environment",
        "-H --help -V --version", "-e --environment"},
    {"unicorn", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST, UNICORN_OPTIONS,
        "-h --help -v --version", "-E --env"},
    {"unicorn_rails", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST, UNICORN_OPTIONS,
        "-h --help -v --version", "!-E --env"},
    {"pitchfork", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST, UNICORN_OPTIONS,
        "-h --help -v --version", "-E --env"},
    {"iodine", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST,
        "-b -p -port -t -w -www -k -maxln -maxhd -maxbd -maxage -maxms -ping -name -cert -key -hr "
        "-bp "
        "-scrt -r -rp --port --threads --workers --bind --public --max-line --max-header "
        "--max-body "
        "--keep-alive --max-age --ws-max-msg --timeout --config",
        "-h --help -?", ""},
    {"rackup", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST,
        "-e --eval -I --include -r --require -b --builder -s --server -o --host -p --port -O "
        "--option -E --env -P --pid --heap --profile --profile-mode",
        "-h --help -? --version", "-E --env"},
    {"falcon", COMMAND_SERVER, COMMAND_OTHER, "serve host virtual", PLACE_OPTIONAL,
        "-e --encoding -b --bind -p --port --hostname -t --timeout -c --config --preload -n "
        "--count --forks --threads --graceful-stop --health-check-timeout --bind-insecure "
        "--bind-secure",
        "^-h --help -v --version", ""},
    {"falcon-host", COMMAND_SERVER, COMMAND_OTHER, NULL, PLACE_FIRST, "", "-h --help --version",
        ""},
    {"thin", COMMAND_SERVER, COMMAND_OTHER, "start", PLACE_ANY,
        "-a --address -p --port -S --socket -A --adapter -R --rackup -c --chdir --stats "
        "--ssl-key-file --ssl-cert-file --ssl-version --ssl-cipher-list -e --environment --prefix "
        "-l --log -P --pid -u --user -g --group --tag -s --servers -o --only -C --config -w --wait "
        "-b --backend -t --timeout --max-conns --max-persistent-conns --threadpool-size -r "
        "--require",
        "-h --help -v --version", "-e --environment"},
    {"passenger", COMMAND_SERVER, COMMAND_OTHER, "start", PLACE_ANY,
        "-a --address -p --port -S --socket -e --environment -R --rackup --user --log-file "
        "--pid-file --max-pool-size --min-instances --nginx-config-template --app-type "
        "--startup-file",
        "-h --help -v --version", "!-e --environment"},
    {"jobs", COMMAND_WORKER, COMMAND_TASK, "start", PLACE_OPTIONAL,
        "-c --config_file --config-file --mode --recurring_schedule_file --recurring-schedule-file",
        "-h --help", ""},
    {"sidekiq", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, SIDEKIQ_OPTIONS,
        "-h --help -V --version", "!-e --environment"},
    {"sidekiqswarm", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, SIDEKIQ_OPTIONS,
        "-h --help -V --version", "!-e --environment"},
    {"good_job", COMMAND_WORKER, COMMAND_TASK, "start", PLACE_OPTIONAL,
        "--queues --threads --max-threads --max_threads --subprocesses --poll-interval "
        "--poll_interval --max-cache --max_cache --shutdown-timeout --shutdown_timeout "
        "--idle-timeout --idle_timeout --pidfile --probe-port --probe_port --probe-handler "
        "--probe_handler --queue-select-limit --queue_select_limit",
        "-h --help", ""},
    {"resque", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, "", "-h --help --version", ""},
    {"resque-pool", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST,
        "-c --config -E --environment -a --appname -o --stdout -e --stderr -p --pidfile",
        "-h --help --version", "!-E --environment"},
    {"resque-scheduler", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, "",
        "-h --help --version", ""},
    {"delayed_job", COMMAND_WORKER, COMMAND_TASK, "run start restart", PLACE_ANY,
        "-n --number_of_workers --number-of-workers -m --min-priority --max-priority --queue "
        "--queues --pool -i --identifier --sleep-delay --read-ahead --pid-dir --log-dir -e "
        "--environment -p --prefix",
        "-h --help", "!-e --environment"},
    {"shoryuken", COMMAND_WORKER, COMMAND_OTHER, "start", PLACE_OPTIONAL,
        "-c --concurrency -C --config -g --groups -L --logfile -P --pidfile -q --queues -r "
        "--require -t --timeout",
        "-h --help -v --version", ""},
    {"karafka", COMMAND_WORKER, COMMAND_TASK, "server s swarm", PLACE_FIRST, "", "-h --help", ""},
    {"que", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, "", "-h --help -v --version", ""},
    {"clockwork", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, "", "-h --help", ""},
    {"anycable", COMMAND_WORKER, COMMAND_OTHER, NULL, PLACE_FIRST, "", "-h --help -v --version",
        ""},
    {"rake", COMMAND_TASK, COMMAND_TASK, NULL, PLACE_FIRST, "", "", ""},
    {"irb", COMMAND_TASK, COMMAND_TASK, NULL, PLACE_FIRST, "", "", ""},
    {"pry", COMMAND_TASK, COMMAND_TASK, NULL, PLACE_FIRST, "", "", ""},
    {"bundle", COMMAND_TASK, COMMAND_OTHER, "console", PLACE_FIRST, "", "", ""},
    {"bundler", COMMAND_TASK, COMMAND_OTHER, "console", PLACE_FIRST, "", "", ""},
};

static const char shells[] = "sh bash dash ash zsh";

static const char others[] =
    /* A shell's own words, which begin no command of ours. */
    ". : [ [[ alias bg break case cd coproc continue declare dirs disown done echo enable esac "
    "eval "
    "exit export false fc fg fi for function getopts hash help history in jobs kill let local "
    "logout popd printf pushd pwd read readonly return select set shift shopt source test times "
    "trap true type typeset ulimit umask unalias unset wait } "
    "ack apk apt apt-get apt-cache awk base64 basename bzip2 cat chmod chown cksum cmp comm cp "
    "cron crond crontab curl cut date dd df diff dig dirname dpkg du ed egrep emacs expr fgrep "
    "file "
    "find fold free fuser gawk getent git grep groups gunzip gzip head host hostname htop id "
    "install ip join jq killall less ln ls lsof make man mawk md5sum mkdir mkfifo mktemp more "
    "mount "
    "mv nano nc ncat netstat nl nproc nslookup od paste patch pgrep pidof ping pkill ps readlink "
    "realpath rm rmdir rsync scp sed seq sha1sum sha256sum shuf sleep sort split ss ssh stat "
    "strings stty sync sysctl tac tail tar tee top touch tr tree truncate tty umount uname uniq "
    "unlink unzip uptime vi vim watch wc wget whereis which who whoami xz yes yq zcat zip "
    /* Other languages, servers and tools; what they run, if anything, runs elsewhere. */
    "aws az caddy cargo compass docker docker-compose envsubst fly flyctl gcc gem go haproxy "
    "helm heroku java jekyll kamal kubectl mailcatcher memcached mysql mysqld mysqldump "
    "nerdctl nginx node nodejs npm npx openssl perl pg_dump pg_isready pg_restore "
    "pgbouncer "
    "php pip pip3 pnpm podman postgres psql python python2 python3 redis-cli redis-server rspec "
    "rubocop sqlite3 terraform traefik varnishd vite yarn";

/* What starts the processes of a file, of which one may be the server. */
static const char managers[] = "foreman overmind hivemind honcho forego goreman supervisord";

static const char worker_tasks[] =
    "solid_queue:start jobs:work resque:work resque:workers resque:scheduler sneakers:run";

bool tables_has_word(const char *list, const char *word, size_t length) {
    for (const char *at = list; *at != '\0';) {
        size_t piece = strcspn(at, " ");
        if (piece == length && memcmp(at, word, length) == 0) {
            return true;
        }
        at += piece;
        at += strspn(at, " ");
    }
    return false;
}

const struct wrapper *tables_find_wrapper(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(wrappers); i++) {
        if (strcmp(wrappers[i].name, name) == 0) {
            return &wrappers[i];
        }
    }
    return NULL;
}

const struct program *tables_find_program(const char *name) {
    for (size_t i = 0; i < ARRAY_LENGTH(programs); i++) {
        if (strcmp(programs[i].name, name) == 0) {
            return &programs[i];
        }
    }
    return NULL;
}

bool tables_is_shell(const char *name) {
    return tables_has_word(shells, name, strlen(name));
}

bool tables_is_other(const char *name) {
    return tables_has_word(others, name, strlen(name));
}

bool tables_is_manager(const char *name) {
    return tables_has_word(managers, name, strlen(name));
}

bool tables_is_worker_task(const char *name) {
    return tables_has_word(worker_tasks, name, strlen(name));
}
