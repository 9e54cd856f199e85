#!/bin/sh
# Installs, upgrades or removes Aldea's agent on Debian and Raspberry Pi OS. Run as root; run it again at any time.
#
#   sh install.sh [WHEEL] [--server URL --code CODE [--ca FILE] [--allow-http]] [--no-enrol] [--release-key FILE]
#   sh install.sh upgrade [WHEEL]
#   sh install.sh uninstall [--keep-data | --remove-data]
#
# WHEEL is a file, or a name for pip such as aldea==0.1.0 (default: aldea). Nothing is fetched but by pip, from
# PIP_INDEX_URL where that is set. What it says is in Spanish where LANG is.
set -eu

user=aldea-agent
home=/opt/aldea-agent
data=/var/lib/aldea-agent
config=/etc/aldea/agent.toml
key=/etc/aldea/release-key.pem
unit=/etc/systemd/system/aldea-agent.service
wrapper=/usr/local/sbin/aldea-agent

say() { # ENGLISH SPANISH
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
    es*) printf '%s\n' "$2" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

step() { printf -- '- ' && say "$@"; }

die() {
    say "$@" >&2
    exit 1
}

as_agent() { (cd "$data" && exec runuser -u "$user" -- env ALDEA_DATA="$data" "$@"); }

look_at_machine() {
    [ "$(id -u)" = 0 ] || die "Run this as root: sudo sh install.sh …" "Hay que ejecutarlo como root: sudo sh install.sh …"
    command -v systemctl >/dev/null || die "This machine has no systemd." "Este equipo no tiene systemd."
    python=${PYTHON:-python3}
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        die "Python 3.11 or newer is needed: apt-get install python3" "Hace falta Python 3.11 o más nuevo: apt-get install python3"
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        die "Python's venv is missing: apt-get install python3-venv" "Falta venv de Python: apt-get install python3-venv"
}

make_user() {
    if ! id "$user" >/dev/null 2>&1; then
        step "making the user $user" "se crea el usuario $user"
        useradd --system --user-group --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
    fi
    install -d -m 0700 -o "$user" -g "$user" "$data"
    install -d -m 0755 /etc/aldea
}

# A new folder each time: one that fails halfway leaves the agent that runs alone.
install_package() { # WHEEL
    fresh=$home/venv-$(date +%Y%m%d%H%M%S)-$$
    step "installing $1" "se instala $1"
    install -d -m 0755 "$home"
    if ! { "$python" -m venv "$fresh" && "$fresh/bin/python" -m pip install --quiet --no-input --no-cache-dir \
        --disable-pip-version-check "$1" && "$fresh/bin/python" -c 'import aldea.agents.commands'; }; then
        rm -rf "$fresh"
        die "It could not be installed; nothing was changed." "No se pudo instalar; nada cambió."
    fi
    chmod -R go+rX "$fresh"
    ln -sfn "$fresh" "$home/next"
    mv -T "$home/next" "$home/current"
}

remove_old_packages() {
    for folder in "$home"/venv-*; do
        [ "$folder" = "$(readlink "$home/current")" ] || rm -rf "$folder"
    done
}

write_config() {
    if [ -e "$config" ]; then
        step "$config stays as it is" "$config queda como está"
        return
    fi
    step "writing $config" "se escribe $config"
    cat >"$config" <<'CONFIG'
# What differs from the agent's defaults. Site and broker come from the enrolment; every setting is in
# agent.example.toml, beside the agent's program.
# The box's page on the site's network: http://ADDRESS:8080
[agent.page]
enabled = true

[agent]
CONFIG
    chown root:"$user" "$config"
    chmod 0640 "$config"
}

# Echo requests need no right where the kernel lets this group send them; else one capability, and no other.
ping_right() {
    group=$(id -g "$user")
    # Whole, by cat: the kernel gives nothing to a shell that reads it byte by byte.
    # shellcheck disable=SC2046 - two numbers
    set -- $(cat /proc/sys/net/ipv4/ping_group_range 2>/dev/null)
    [ "${1:-1}" -le "$group" ] && [ "$group" -le "${2:-0}" ] || echo CAP_NET_RAW
}

# Who may sign releases from afar; not the service's user to change.
keep_release_key() {
    [ -n "$release_key" ] || return 0
    step "keeping $release_key as $key" "se guarda $release_key como $key"
    install -m 0644 "$release_key" "$key"
}

write_unit() {
    step "writing the service aldea-agent" "se escribe el servicio aldea-agent"
    right=$(ping_right)
    trusts=
    [ ! -e "$key" ] || trusts=" ALDEA_RELEASE_KEY_FILE=$key"
    cat >"$unit.new" <<UNIT
# Written by install.sh. Change it with: systemctl edit aldea-agent
[Unit]
Description=Aldea agent
After=network.target
StartLimitIntervalSec=0

[Service]
Type=exec
# The launcher becomes the agent: this installation's, or the release that came from afar and stands on it.
ExecStart=$home/current/bin/python -m aldea.agents.upgrading.launch run --config $config
Environment=ALDEA_DATA=$data PYTHONDONTWRITEBYTECODE=1$trusts
WorkingDirectory=$data
User=$user
Group=$user
StateDirectory=aldea-agent
StateDirectoryMode=0700
Restart=always
RestartSec=30
TimeoutStopSec=20
MemoryMax=128M
# A release that is built or tried and takes too much ends alone.
OOMPolicy=continue
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=$right
AmbientCapabilities=$right
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectControlGroups=yes
ProtectProc=invisible
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
# To ask whether the clock is synchronised; setting it needs a capability that is not there.
SystemCallFilter=adjtimex clock_adjtime
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
UNIT
    mv "$unit.new" "$unit"
    cat >"$wrapper" <<WRAPPER
#!/bin/sh
# Written by install.sh: the agent's commands, as the service's user. Example: aldea-agent doctor
set -eu
[ "\$(id -u)" = 0 ] || { echo "sudo aldea-agent …" >&2; exit 1; }
word=\${1:-doctor}
[ \$# -eq 0 ] || shift
case \$word in
enrol) ;;
take-over) # as root, who alone may read another system's folder; it goes on as the service's user by itself
    exec env ALDEA_DATA=$data $home/current/bin/aldea agent take-over "\$@" --config $config ;;
*) set -- "\$@" --config $config ;;
esac
cd $data
run() { runuser -u $user -- env ALDEA_DATA=$data PYTHONDONTWRITEBYTECODE=1$trusts "\$@"; }
python=\$(run $home/current/bin/python -m aldea.agents.upgrading.launch which)
exec runuser -u $user -- env ALDEA_DATA=$data PYTHONDONTWRITEBYTECODE=1$trusts "\$python" -m aldea.deploy.cli agent "\$word" "\$@"
WRAPPER
    chmod 0755 "$wrapper"
}

ask() { # ENGLISH SPANISH
    [ -t 0 ] || return 1
    say "$1" "$2" >&2
    read -r answer || return 1
    [ -n "$answer" ]
}

enrol() {
    if [ -e "$data/enrolment.json" ] && [ -z "$code" ]; then
        step "this device is enrolled already" "este equipo ya está inscrito"
        return
    fi
    [ "$enrolling" = yes ] || return 0
    if [ -z "$server" ] && ask "The server's address (https://…), or nothing to enrol later:" \
        "Dirección del servidor (https://…), o nada para inscribirlo después:"; then
        server=$answer
    fi
    if [ -n "$server" ] && [ -z "$code" ] && ask "The one-time code, such as K7QM-3XPT:" \
        "El código de un solo uso, como K7QM-3XPT:"; then
        code=$answer
    fi
    if [ -z "$server" ] || [ -z "$code" ]; then
        step "not enrolled yet: aldea-agent enrol --server https://… --code …" \
            "falta inscribirlo: aldea-agent enrol --server https://… --code …"
        return
    fi
    set -- --server "$server" --code "$code" --data "$data"
    if [ -n "$ca" ]; then
        install -m 0644 "$ca" /etc/aldea/server-ca.pem
        set -- "$@" --ca /etc/aldea/server-ca.pem
    fi
    [ -z "$allow_http" ] || set -- "$@" --allow-http
    step "enrolling at $server" "se inscribe en $server"
    as_agent "$home/current/bin/python" -m aldea.agents enrol "$@" ||
        die "It is installed, but not enrolled. Get a new code where needed, and run this again." \
            "Está instalado, pero no inscrito. Pedir otro código si hace falta y ejecutar esto de nuevo."
}

start_service() {
    systemctl daemon-reload
    systemctl enable aldea-agent.service
    if [ -e "$data/enrolment.json" ] || grep -q '^ *site *=' "$config"; then
        step "starting the service" "se arranca el servicio"
        systemctl restart aldea-agent.service
        say "Done. It starts at each boot. Look: aldea-agent doctor; journalctl -u aldea-agent" \
            "Listo. Arranca con el equipo. Revisar: aldea-agent doctor; journalctl -u aldea-agent"
    else
        say "Installed. Once it is enrolled: systemctl restart aldea-agent" \
            "Instalado. Una vez inscrito: systemctl restart aldea-agent"
    fi
}

uninstall() {
    step "stopping and removing the service" "se detiene y se quita el servicio"
    systemctl disable --now aldea-agent.service || true
    rm -f "$unit" "$wrapper"
    systemctl daemon-reload
    rm -rf "$home"
    if [ -z "$keep" ] && [ -d "$data" ]; then
        keep=yes
        if ask "Keep what was measured and not yet delivered, and the enrolment? [Y/n]" \
            "¿Conservar lo medido sin entregar y la inscripción? [S/n]"; then
            case $answer in [nN]*) keep=no ;; esac
        fi
    fi
    if [ "$keep" = no ]; then
        step "removing $data, $config and the user" "se borran $data, $config y el usuario"
        rm -rf "$data"
        rm -f "$config" "$key" /etc/aldea/server-ca.pem
        rmdir /etc/aldea 2>/dev/null || true
        ! id "$user" >/dev/null 2>&1 || userdel "$user"
    else
        step "kept: $data and $config" "se conservan: $data y $config"
    fi
    say "Removed." "Desinstalado."
}

action=install
case ${1:-} in install | upgrade | uninstall)
    action=$1
    shift
    ;;
esac
wheel='' server='' code='' ca='' release_key='' allow_http='' enrolling=yes keep=''
while [ $# -gt 0 ]; do
    case $1 in
    --server | --code | --ca | --release-key)
        [ $# -ge 2 ] || die "$1 needs a value." "$1 necesita un valor."
        case $1 in --server) server=$2 ;; --code) code=$2 ;; --ca) ca=$2 ;; *) release_key=$2 ;; esac
        shift
        ;;
    --allow-http) allow_http=yes ;;
    --no-enrol) enrolling=no ;;
    --keep-data) keep=yes ;;
    --remove-data) keep=no ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0" && exit 0 ;;
    -*) die "$1 is not known; see --help." "No se conoce $1; ver --help." ;;
    *) wheel=$1 ;;
    esac
    shift
done
[ ! -e "$wheel" ] || wheel=$(realpath "$wheel")
[ -z "$release_key" ] || [ -r "$release_key" ] ||
    die "--release-key $release_key cannot be read." "No se puede leer --release-key $release_key."
[ -z "$ca" ] || [ -r "$ca" ] || die "--ca $ca cannot be read." "No se puede leer --ca $ca."

look_at_machine
if [ "$action" = uninstall ]; then
    uninstall
    exit 0
fi
if [ "$action" = upgrade ]; then
    [ -e "$home/current" ] || die "There is nothing to upgrade: install it first." "No hay nada que actualizar: primero instalarlo."
    enrolling=no
fi
make_user
install_package "${wheel:-aldea}"
write_config
keep_release_key
write_unit
enrol
start_service
remove_old_packages
