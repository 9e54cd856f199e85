#!/bin/sh
# Installs, upgrades or removes Aldea's agent on Debian and Raspberry Pi OS. Run as root; run it again at any time.
#
#   sh install.sh [WHEEL] [--wheels FOLDER] [--server URL [--code CODE] [--ca FILE] [--allow-http]] [--no-enrol]
#                 [--release-key FILE]
#   sh install.sh upgrade [WHEEL] [--wheels FOLDER]
#   sh install.sh uninstall [--keep-data | --remove-data]
#
# WHEEL is a file, or a name for pip such as aldea==0.1.0 (default: aldea). The code is asked for on a terminal, or
# read from the input with --code -, so that it stands in no log. Nothing is fetched but by pip, from PIP_INDEX_URL
# where that is set, and python3-venv by apt-get where it is missing. With --wheels pip fetches nothing: all that is
# needed is in that folder, such as a USB stick. What it says is in Spanish where LANG is.
set -eu
umask 022
# What this shell was told for other programs. Where packages come from (PIP_INDEX_URL and the like) stays.
for name in $(env | sed -En 's/^(ALDEA_[A-Z0-9_]+|PYTHON[A-Z0-9_]+|PIP_(TARGET|PREFIX|ROOT|USER|NO_DEPS|DRY_RUN|PYTHON))=.*/\1/p'); do
    unset "$name"
done
unset CDPATH name

user=aldea-agent
home=/opt/aldea-agent
data=/var/lib/aldea-agent
config=/etc/aldea/agent.toml
key=/etc/aldea/release-key.pem
unit=/etc/systemd/system/aldea-agent.service
wrapper=/usr/local/sbin/aldea-agent
room_mb=200

say() { # ENGLISH SPANISH
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
    es*) printf '%s\n' "$2" ;;
    *) printf '%s\n' "$1" ;;
    esac
}

help() {
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
    es*)
        cat <<'HELP'
Instala, actualiza o quita el agente de Aldea en Debian y Raspberry Pi OS. Se ejecuta como root, cuantas veces haga falta.

  sh install.sh [WHEEL] [--wheels CARPETA] [--server URL [--code CÓDIGO] [--ca ARCHIVO] [--allow-http]] [--no-enrol]
                [--release-key ARCHIVO]
  sh install.sh upgrade [WHEEL] [--wheels CARPETA]
  sh install.sh uninstall [--keep-data | --remove-data]

WHEEL es un archivo, o un nombre para pip como aldea==0.1.0 (si no: aldea). El código se pregunta en la terminal, o se
lee de la entrada con --code -, para que no quede en ninguna bitácora. Nada se descarga salvo por pip, de PIP_INDEX_URL
si está puesta, y python3-venv por apt-get donde falta. Con --wheels pip no descarga nada: todo lo necesario está en esa
carpeta, como una memoria USB. Lo que dice está en español donde LANG lo está.
HELP
        ;;
    *) sed -n '2,12s/^# \{0,1\}//p' "$0" ;;
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
    exec 9>/run/aldea-agent-install.lock
    flock -n 9 || die "install.sh is at work here already: wait until it is done." \
        "install.sh ya está trabajando aquí: hay que esperar a que termine."
}

has_venv() { "$python" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
    python=${PYTHON:-python3}
    if ! has_venv && [ -z "${PYTHON:-}" ] && command -v apt-get >/dev/null; then
        step "apt-get install python3-venv" "apt-get install python3-venv"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv >&2 </dev/null || true
    fi
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        die "Python 3.11 or newer is needed: apt-get install python3" "Hace falta Python 3.11 o más nuevo: apt-get install python3"
    has_venv ||
        die "Python's venv is missing: apt-get install python3-venv" "Falta venv de Python: apt-get install python3-venv"
    # By its own version's name: a new Python of the system beside it changes nothing.
    python=$(readlink -f "$(command -v "$python")")
}

there_of() { # PATH; the folder that it is in, or will be
    place=$1
    while [ ! -d "$place" ]; do place=$(dirname "$place"); done
    echo "$place"
}

# Said before anything is begun: a card that is read-only or full is no place to find out.
look_at_card() {
    for place in "$home" "$data" "$config" "$unit" "$wrapper"; do
        place=$(there_of "$place")
        [ -w "$place" ] || die "$place cannot be written: the card is read-only. Nothing was changed." \
            "No se puede escribir en $place: la tarjeta es de solo lectura. Nada cambió."
    done
    for place in "$home" "$data"; do
        case $(df --output=fstype "$(there_of "$place")" 2>/dev/null | tail -n 1) in
        overlay | tmpfs)
            step "$place is kept in memory (an overlay): where that ends with the machine, so does this installation" \
                "$place se guarda en memoria (overlay): si eso se pierde al apagar, también esta instalación"
            return
            ;;
        esac
    done
}

look_at_room() {
    place=$(there_of "$home")
    free=$(df -Pm "$place" | awk 'NR == 2 { print $4 }')
    [ "${free:-$room_mb}" -ge "$room_mb" ] ||
        die "$place has $free MB free, and $room_mb MB are needed. Nothing was changed." \
            "$place tiene $free MB libres y hacen falta $room_mb MB. Nada cambió."
}

make_user() {
    if ! id "$user" >/dev/null 2>&1; then
        step "making the user $user" "se crea el usuario $user"
        getent group "$user" >/dev/null || groupadd --system "$user"
        useradd --system --gid "$user" --home-dir "$data" --no-create-home --shell /usr/sbin/nologin "$user"
    fi
    install -d -m 0700 -o "$user" -g "$user" "$data"
    # Brought along from another system, where the user had another number; nothing that has a second name elsewhere.
    find "$data" -xdev ! -user "$user" \( -type d -o -links 1 \) -exec chown -h "$user:$user" {} +
    install -d -m 0755 /etc/aldea
}

# A new folder each time: one that fails halfway leaves the agent that runs alone.
install_package() { # WHEEL
    fresh=$home/venv-$(date +%Y%m%d%H%M%S)-$$
    step "installing $1" "se instala $1"
    install -d -m 0755 "$home"
    trap 'rm -rf "$fresh"; exit 1' HUP INT TERM
    if ! { "$python" -m venv "$fresh" && pip_install "$1" && chmod -R go+rX "$fresh" && try_package; }; then
        say_if_full
        rm -rf "$fresh"
        die "It could not be installed; nothing was changed." "No se pudo instalar; nada cambió."
    fi
    : >"$fresh/complete"
    sync -f "$fresh" # a power cut from here on finds it whole
    ln -sfn "$fresh" "$home/next"
    mv -T "$home/next" "$home/current"
    trap - HUP INT TERM
}

# What failed on it does not always say so.
say_if_full() {
    df -Pm "$home" | awk 'NR == 2 { exit $4 > 1 }' || df -Pi "$home" | awk 'NR == 2 { exit $4 == "-" || $4 > 9 }' || return 0
    say "$home is full." "$home está lleno." >&2
}

# A file by another name: pip takes ; and [ in a path for words of its own, and a browser that has loaded a file twice
# puts (1) into its name.
pip_install() { # WHEEL
    given=$1
    if [ -f "$given" ]; then
        mkdir "$fresh/given" || return
        given=$fresh/given/$(basename "$1" | sed 's/ *([0-9]*)\.whl$/.whl/')
        ln -s "$1" "$given" || return
    fi
    set -- "$given"
    [ -z "$wheels" ] || set -- --no-index --find-links "$wheels" "$@"
    "$fresh/bin/python" -m pip install --quiet --no-input --no-cache-dir --disable-pip-version-check "$@" </dev/null &&
        rm -rf "$fresh/given"
}

# It can be imported, and takes the settings of a device that is enrolled.
try_package() {
    if [ -e "$data/enrolment.json" ] && [ -e "$config" ] && id "$user" >/dev/null 2>&1; then
        try_settings "$fresh/bin/python"
    else
        "$fresh/bin/python" -c 'import aldea.agents.commands'
    fi
}

try_settings() { as_agent PYTHONDONTWRITEBYTECODE=1 "$1" -c "$TRY" --config "$config"; }

TRY='
import os, sys
from importlib.metadata import version
from aldea.agents.outbox.formats import OUTBOX_FORMAT
from aldea.agents.page.words import language_of_environment
from aldea.agents.upgrading.selftest import problems
from aldea.model.said import in_spanish
found = problems(version("aldea"), OUTBOX_FORMAT, sys.argv[1:])
said = in_spanish if language_of_environment(os.environ) == "es" else str
sys.exit("; ".join(map(said, found)) or 0)
'

# What an installation that was cut short has left.
remove_leftovers() {
    for folder in "$home"/venv-*; do
        [ -e "$folder/complete" ] || [ "$folder" = "$(readlink "$home/current")" ] || rm -rf "$folder"
    done
}

remove_old_packages() {
    for folder in "$home"/venv-*; do
        [ "$folder" = "$(readlink "$home/current")" ] || rm -rf "$folder"
    done
}

# What runs the installation's Python. Where a new system has taken that away, the agent goes on with the system's own
# and with the packages that are there, and says what is to be done: nobody may come to the site for months.
write_python() {
    cat >"$home/python.new" <<PYTHON
#!/bin/sh
# Written by install.sh: runs Python with the installation's packages.
python=$home/current/bin/python
made_for=\$(cd "$home/current/lib" && ls -d python3.* | head -n 1)
real=\$(readlink -f "\$python")
case \${real##*/} in
"\$made_for") [ ! -x "\$real" ] || exec "\$python" "\$@" ;;
python3.*) ;;
*) [ ! -x "\$real" ] || exec "\$python" "\$@" ;; # a Python with a name of its own
esac
system=\$(readlink -f "\$(command -v python3)")
case "\${LC_ALL:-\${LC_MESSAGES:-\${LANG:-}}}" in
es*) export ALDEA_NOTICE="La instalación es de \$made_for y el equipo tiene \${system##*/}: sudo sh install.sh upgrade" ;;
*) export ALDEA_NOTICE="The installation is of \$made_for and the machine has \${system##*/}: sudo sh install.sh upgrade" ;;
esac
export PYTHONPATH="$home/current/lib/\$made_for/site-packages"
case "\$*" in
"-m aldea.agents.upgrading.launch which") echo "$home/python" && exit ;;
# No release from afar either: they are of the Python that is gone. The agent itself says so in its log.
"-m aldea.agents.upgrading.launch "*) shift 2 && exec python3 -m aldea.agents "\$@" ;;
esac
echo "aldea agent: \$ALDEA_NOTICE" >&2
exec python3 "\$@"
PYTHON
    chmod 0755 "$home/python.new"
    mv "$home/python.new" "$home/python"
}

write_config() {
    if [ -e "$config" ]; then
        step "$config stays as it is" "$config queda como está"
        as_agent test -r "$config" || { chgrp "$user" "$config" && chmod g+r "$config"; }
        return
    fi
    step "writing $config" "se escribe $config"
    cat >"$config.new" <<'CONFIG'
# What differs from the agent's defaults. Site and broker come from the enrolment; every setting is in
# agent.example.toml, beside the agent's program.
# The box's page on the site's network: http://ADDRESS:8080
[agent.page]
enabled = true

[agent]
CONFIG
    page_port=$(free_port 8080 8081 8088 8090)
    if [ "$page_port" != 8080 ]; then
        step "port 8080 is taken here: the box's page gets $page_port" "el puerto 8080 está ocupado: la página queda en $page_port"
        sed -i "s/ADDRESS:8080/ADDRESS:$page_port/; s/^enabled = true/&\nport = $page_port/" "$config.new"
    fi
    chown root:"$user" "$config.new"
    chmod 0640 "$config.new"
    mv "$config.new" "$config"
}

free_port() { # CANDIDATES; the first where none is free
    for candidate in "$@"; do
        "$python" -c 'import socket, sys; socket.create_server(("", int(sys.argv[1])))' "$candidate" 2>/dev/null &&
            echo "$candidate" && return
    done
    echo "$1"
}

# Echo requests need no right where the kernel lets this group send them; else one capability, and no other.
ping_right() {
    group=$(id -g "$user")
    # Whole, by cat: the kernel gives nothing to a shell that reads it byte by byte.
    # shellcheck disable=SC2046 # two numbers
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
# dbus.service: at the end the agent asks systemd whether the machine goes down with it, and is answered by that.
After=network.target dbus.service
StartLimitIntervalSec=0

[Service]
Type=exec
# The launcher becomes the agent: this installation's, or the release that came from afar and stands on it.
ExecStart=$home/python -m aldea.agents.upgrading.launch run --config $config
Environment=ALDEA_DATA=$data PYTHONDONTWRITEBYTECODE=1$trusts
WorkingDirectory=$data
User=$user
Group=$user
StateDirectory=aldea-agent
StateDirectoryMode=0700
Restart=always
RestartSec=30
TimeoutStopSec=30
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
    chmod 0644 "$unit.new"
    mv "$unit.new" "$unit"
    cat >"$wrapper.new" <<WRAPPER
#!/bin/sh
# Written by install.sh: the agent's commands, as the service's user. Example: aldea-agent doctor
set -eu
[ "\$(id -u)" = 0 ] || { echo "sudo aldea-agent …" >&2; exit 1; }
word=\${1:-doctor}
[ \$# -eq 0 ] || shift
export ALDEA_DATA=$data PYTHONDONTWRITEBYTECODE=1$trusts
cd $data
as_agent() { runuser -u $user -- "\$@"; }
case \$word in
enrol)
    as_agent $home/python -m aldea.agents enrol "\$@" --by-service
    case " \$* " in *" -h "* | *" --help "*) ;; *) exec systemctl restart aldea-agent.service ;; esac ;;
take-over) # as root, who alone may read another system's folder; it goes on as the service's user by itself
    exec $home/python -m aldea.deploy.cli agent take-over "\$@" --config $config ;;
*)
    python=\$(as_agent $home/python -m aldea.agents.upgrading.launch which)
    exec runuser -u $user -- "\$python" -m aldea.deploy.cli agent "\$word" "\$@" --config $config ;;
esac
WRAPPER
    chmod 0755 "$wrapper.new"
    mv "$wrapper.new" "$wrapper"
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
    set -- --server "$server" --code - --data "$data" --by-service
    if [ -n "$ca" ]; then
        install -m 0644 "$ca" /etc/aldea/server-ca.pem
        set -- "$@" --ca /etc/aldea/server-ca.pem
    fi
    [ -z "$allow_http" ] || set -- "$@" --allow-http
    step "enrolling at $server" "se inscribe en $server"
    # By its input: other users of this machine see the words of a command.
    printf '%s\n' "$code" | as_agent "$home/python" -m aldea.agents enrol "$@" || refused=yes
}

start_service() {
    systemctl enable aldea-agent.service
    if [ ! -d /run/systemd/system ]; then
        say "Installed. systemd is not running here: the agent starts when this system does." \
            "Instalado. systemd no está en marcha aquí: el agente arranca cuando arranque este sistema."
        return
    fi
    systemctl daemon-reload
    if [ -e "$data/enrolment.json" ] || grep -q '^ *site *=' "$config"; then
        try_settings "$home/python" ||
            die "The settings are wrong. Correct $config, then: systemctl restart aldea-agent" \
                "Los ajustes están mal. Corregir $config y luego: systemctl restart aldea-agent"
        step "starting the service" "se arranca el servicio"
        systemctl restart aldea-agent.service ||
            die "The service does not start: journalctl -u aldea-agent" "El servicio no arranca: journalctl -u aldea-agent"
        say "Done. It starts at each boot. Look: aldea-agent doctor; journalctl -u aldea-agent" \
            "Listo. Arranca con el equipo. Revisar: aldea-agent doctor; journalctl -u aldea-agent"
    else
        say "Installed. It starts once it is enrolled." "Instalado. Arranca una vez inscrito."
    fi
}

uninstall() {
    step "stopping and removing the service" "se detiene y se quita el servicio"
    [ ! -e "$unit" ] || systemctl disable --now aldea-agent.service || true
    rm -f "$unit" "$wrapper"
    [ ! -d /run/systemd/system ] || systemctl daemon-reload
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
        rm -rf "$unit.d" # what systemctl edit has made
        rmdir /etc/aldea 2>/dev/null || true
        ! id "$user" >/dev/null 2>&1 || userdel "$user" ||
            say "The user $user is still at work; remove it later: userdel $user" \
                "El usuario $user sigue trabajando; quitarlo después: userdel $user"
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
wheel='' wheels='' server='' code='' ca='' release_key='' allow_http='' enrolling=yes keep='' refused=''
while [ $# -gt 0 ]; do
    case $1 in
    --server | --code | --ca | --release-key | --wheels)
        [ $# -ge 2 ] || die "$1 needs a value." "$1 necesita un valor."
        case $1 in
        --server) server=$2 ;; --code) code=$2 ;; --ca) ca=$2 ;; --wheels) wheels=$2 ;; *) release_key=$2 ;;
        esac
        shift
        ;;
    --allow-http) allow_http=yes ;;
    --no-enrol) enrolling=no ;;
    --keep-data) keep=yes ;;
    --remove-data) keep=no ;;
    -h | --help) help && exit 0 ;;
    -*) die "$1 is not known; see --help." "No se conoce $1; ver --help." ;;
    *) wheel=$1 ;;
    esac
    shift
done
case $wheel in
*.whl | */*) [ -f "$wheel" ] || die "There is no file $wheel." "No existe el archivo $wheel." ;;
esac
[ ! -f "$wheel" ] || wheel=$(realpath "$wheel")
if [ -n "$wheels" ]; then
    [ -d "$wheels" ] || die "There is no folder $wheels." "No existe la carpeta $wheels."
    wheels=$(realpath "$wheels")
fi
if [ "$code" = - ]; then read -r code || [ -n "$code" ] || die "There is no code on the input." "No hay código en la entrada."; fi
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
look_at_card
remove_leftovers
look_at_room
find_python
install_package "${wheel:-aldea}"
make_user
write_python
write_config
keep_release_key
write_unit
enrol
start_service
remove_old_packages
sync -f "$home" "$config" "$unit" "$data"
[ -z "$refused" ] || die "It is installed, but not enrolled. Get a new code where needed, and run this again." \
    "Está instalado, pero no inscrito. Pedir otro código si hace falta y ejecutar esto de nuevo."
