#!/bin/sh
# Makes an edge box of a machine, from the stick that this file is on, with no network.
# docs/edge-box.md
set -eu

usage() {
    cat <<'HELP'
sh install.sh [options]                       as root, on the box

Installs the box, or upgrades it: what is there already and equal is left alone.

What this box is; asked for, or kept from the last time, where not given:
  --node-id NAME              its name among the nodes: 1 to 64 of a-z 0-9 . _ -
  --upstream-url URL          the node above, e.g. https://hub.example.org; '' is none
  --storage-limit SIZE        what its databases may take of the disk, e.g. 20GB

Its secrets, each from a file of one line, which may go afterwards:
  --upstream-token-file FILE  this node's token at the node above
  --admin-file FILE           name:password of the first administrator
  --secret-file NAME=FILE     another variable of the app, e.g. bootstrap_client
  Made here where it is not given: session_secret.

To change what was set once:
  --rename                    allow another --node-id
  --replace-secrets           allow another value of a secret that is set

  --gitops FILE               registers the box with the fleet (k3s/fleet/agent.yaml); K3s then
                              lets go of the app's manifests once the app runs
  --expect NUMBER             the SHA-256 of SHA256SUMS that make-stick.sh printed
  --root FOLDER               write files below FOLDER and start nothing
  --no-start                  write files and start nothing
  --dry-run                   say what would be written, and write nothing
  --help
HELP
}

say() { printf '%s\n' "$*"; }
fail() {
    printf 'install.sh: %s\n' "$*" >&2
    exit 1
}

umask 077
stick=$(cd "$(dirname "$0")" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
given=$scratch/given # a file for each secret, of its value
mkdir "$given"

node_id='' upstream_url='' storage_limit='' gitops='' expect='' root=''
has_upstream_url='' rename='' replace='' dry='' start=yes

# Puts what a file has in its only line among the given secrets.
secret() { # name, file, option
    case $1 in
        '' | *[!a-z0-9_]*) fail "$3: '$1' is no variable: a-z 0-9 _" ;;
    esac
    [ -f "$2" ] || fail "$3: there is no file '$2'"
    value=$(tr -d '\r' <"$2") # of files that were written under Windows
    [ -n "$value" ] || fail "$3: $2 is empty"
    [ "$(printf '%s\n' "$value" | wc -l)" -eq 1 ] || fail "$3: $2 has more than one line"
    printf '%s' "$value" >"$given/$1"
}

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --rename) rename=yes; shift; continue ;;
        --replace-secrets) replace=yes; shift; continue ;;
        --dry-run) dry=yes; shift; continue ;;
        --no-start) start=''; shift; continue ;;
        --*) [ $# -gt 1 ] || fail "$1 takes a value, or is unknown; see --help" ;;
        *) fail "'$1' is no option; see --help" ;;
    esac
    case $1 in
        --node-id) node_id=$2 ;;
        --upstream-url) upstream_url=$2 has_upstream_url=yes ;;
        --storage-limit) storage_limit=$2 ;;
        --upstream-token-file) secret upstream_token "$2" "$1" ;;
        --admin-file) secret bootstrap_admin "$2" "$1" ;;
        --secret-file) secret "${2%%=*}" "${2#*=}" "$1" ;;
        --gitops) gitops=$2 ;;
        --expect) expect=$2 ;;
        --root)
            [ -n "$2" ] || fail '--root: which folder?'
            root=${2%/} start=''
            ;;
        *) fail "unknown option '$1'; see --help" ;;
    esac
    shift 2
done

# --- the stick -----------------------------------------------------------------------------------

[ -f "$stick/SHA256SUMS" ] || fail "$stick has no SHA256SUMS: run it from a stick of make-stick.sh"
if [ -n "$expect" ] && [ "$(sha256sum <"$stick/SHA256SUMS" | cut -d' ' -f1)" != "$expect" ]; then
    fail 'this is another stick than --expect says: do not use it before you know why'
fi
for file in install.sh bin/k3s bin/k3s-install.sh bin/containerd-shim-hedge-v1 bin/hedge \
    images/hedgeschool.tar images/redis.tar config/config.yaml config/config.toml.tmpl \
    config/config-v3.toml.tmpl config/hedgeschool-net.service manifests/namespace.yaml \
    manifests/app.yaml stick.txt; do
    [ -f "$stick/$file" ] || fail "$file is missing on the stick: make it anew with make-stick.sh"
done
(
    cd "$stick"
    # Only what was on the stick when it was made may get onto the box.
    cut -c67- SHA256SUMS >"$scratch/listed"
    find install.sh bin images config manifests stick.txt -type f | while IFS= read -r file; do
        grep -qxF "$file" "$scratch/listed" || fail "$file is not in SHA256SUMS: remove it"
    done
    sha256sum -c --quiet SHA256SUMS >&2 ||
        fail 'the stick is damaged, see above. Nothing was written. Make it anew with make-stick.sh'
)

arch=$(sed -n 's/^arch //p' "$stick/stick.txt")
case $(uname -m) in
    x86_64) here=amd64 ;;
    aarch64) here=arm64 ;;
    *) here=$(uname -m) ;;
esac
[ "$arch" = "$here" ] || [ -n "$root" ] ||
    fail "the stick is for $arch, and this machine is $here: make one with --arch $here"

# --- what this box is ----------------------------------------------------------------------------

[ -n "$root$dry" ] || [ "$(id -u)" -eq 0 ] || fail 'run it as root: it installs a service'
[ -z "$start" ] || [ -n "$dry" ] || command -v systemctl >/dev/null ||
    fail 'there is no systemd here: with --no-start the files are written, and you start K3s'

manifests=/var/lib/rancher/k3s/server/manifests
node_file=$manifests/hedgeschool-2-node.yaml
secret_file=$manifests/hedgeschool-3-secret.yaml

known() { # file, key: its value from the last time
    [ ! -f "$root$1" ] || sed -n "s/^  $2: \"\(.*\)\"\$/\1/p" "$root$1"
}
known_id=$(known "$node_file" node_id)
if [ -z "$node_id" ]; then
    node_id=$known_id
fi
if [ -z "$node_id" ] && [ -t 0 ]; then
    printf 'Name of this box among the nodes (a-z 0-9 . _ -): '
    read -r node_id
fi
[ -n "$node_id" ] || fail 'which node is this? Give --node-id NAME, one that no other node has'
case $node_id in
    *[!a-z0-9._-]*) fail "--node-id '$node_id': only a-z 0-9 . _ - may be in it" ;;
esac
[ "${#node_id}" -le 64 ] || fail "--node-id '$node_id' has more than 64 characters"
if [ -n "$known_id" ] && [ "$known_id" != "$node_id" ] && [ -z "$rename" ]; then
    fail "this box is '$known_id'. Under another name its upstream takes it for another node and" \
        'refuses its token. If you mean it, add --rename'
fi

[ -n "$has_upstream_url" ] || upstream_url=$(known "$node_file" upstream_url)
if [ -n "$upstream_url" ]; then
    printf '%s\n' "$upstream_url" |
        grep -qE '^https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(:[0-9]{1,5})?$' ||
        fail "--upstream-url '$upstream_url': scheme, host and port, as https://hub.example.org"
fi
[ -n "$storage_limit" ] || storage_limit=$(known "$node_file" storage_limit)
case $storage_limit in
    *[!0-9A-Za-z.]*) fail "--storage-limit '$storage_limit': a number and a unit, as 20GB" ;;
esac
[ -z "$gitops" ] || [ -f "$gitops" ] || fail "--gitops: there is no file '$gitops'"

# Secrets are kept as base64: nothing that is in one can be taken for YAML.
encode() { base64 | tr -d '\n'; }
random() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=\n'; }
values=$scratch/values # a file for each secret, of its base64
mkdir "$values"
if [ -f "$root$secret_file" ]; then
    sed -n 's/^  \([a-z0-9_]*\): "\(.*\)"$/\1 \2/p' "$root$secret_file" >"$scratch/known"
    while read -r name value; do printf '%s' "$value" >"$values/$name"; done <"$scratch/known"
fi
for file in "$given"/*; do
    [ -f "$file" ] || continue
    name=$(basename "$file")
    encode <"$file" >"$scratch/value"
    if [ -f "$values/$name" ] && ! cmp -s "$scratch/value" "$values/$name" &&
        [ -z "$replace" ]; then
        fail "$name is set to something else already. If you mean it, add --replace-secrets"
    fi
    cp "$scratch/value" "$values/$name"
done
[ -f "$values/session_secret" ] || random | encode >"$values/session_secret"
[ -z "$upstream_url" ] || [ -f "$values/upstream_token" ] ||
    fail "the node above asks for this node's token: give --upstream-token-file FILE"
[ -f "$values/bootstrap_admin" ] ||
    fail 'nobody could sign in: give --admin-file FILE, with name:password in it'

{
    echo "# This box's own values, made by install.sh: change them by running it again."
    printf 'apiVersion: v1\nkind: ConfigMap\nmetadata:\n'
    printf '  name: hedgeschool-node\n  namespace: hedgeschool\ndata:\n'
    printf '  node_id: "%s"\n' "$node_id"
    [ -z "$upstream_url" ] || printf '  upstream_url: "%s"\n' "$upstream_url"
    [ -z "$storage_limit" ] || printf '  storage_limit: "%s"\n' "$storage_limit"
} >"$scratch/node.yaml"
{
    echo "# This box's secrets, made by install.sh. They are on no stick and in no repository."
    printf 'apiVersion: v1\nkind: Secret\nmetadata:\n'
    printf '  name: hedgeschool\n  namespace: hedgeschool\ntype: Opaque\ndata:\n'
    for file in "$values"/*; do
        printf '  %s: "%s"\n' "$(basename "$file")" "$(cat "$file")"
    done
} >"$scratch/secret.yaml"

# --- write ---------------------------------------------------------------------------------------

k3s_changed='' node_changed=''

# Puts a file in its place in one step. K3s watches two of the folders, and must see no half of one:
# it reads neither a name that begins with a dot in the one, nor one that ends so in the other.
place() { # source, destination, mode; true if it was another, or none
    if [ -f "$root$2" ] && cmp -s "$1" "$root$2"; then
        [ -n "$dry" ] || chmod "$3" "$root$2"
        return 1
    fi
    if [ -n "$dry" ]; then
        say "would write $2"
        return 0
    fi
    say "write $2"
    to=$(dirname "$root$2")
    (umask 022 && mkdir -p "$to")
    part=$to/.$(basename "$2").part
    if ! { cp "$1" "$part" && chmod "$3" "$part" && mv -f "$part" "$root$2"; }; then
        rm -f "$part"
        fail "$2 could not be written: is the disk full, or read-only? Run it again when it is not"
    fi
}

for name in k3s containerd-shim-hedge-v1 hedge; do
    ! place "$stick/bin/$name" "/usr/local/bin/$name" 0755 || k3s_changed=yes
done
for file in "$stick"/images/*; do
    ! place "$file" "/var/lib/rancher/k3s/agent/images/$(basename "$file")" 0644 ||
        k3s_changed=yes
done
for name in config.toml.tmpl config-v3.toml.tmpl; do
    ! place "$stick/config/$name" "/var/lib/rancher/k3s/agent/etc/containerd/$name" 0644 ||
        k3s_changed=yes
done
for name in config.yaml registries.yaml; do
    [ -f "$stick/config/$name" ] || continue
    ! place "$stick/config/$name" "/etc/rancher/k3s/$name" 0600 || k3s_changed=yes
done
unit=hedgeschool-net.service
! place "$stick/config/$unit" "/etc/systemd/system/$unit" 0644 || k3s_changed=yes

# K3s applies them in the order of their names: the app starts when its values are there.
place "$stick/manifests/namespace.yaml" "$manifests/hedgeschool-1-namespace.yaml" 0600 || true
! place "$scratch/node.yaml" "$node_file" 0600 || node_changed=yes
! place "$scratch/secret.yaml" "$secret_file" 0600 || node_changed=yes
place "$stick/manifests/app.yaml" "$manifests/hedgeschool-4-app.yaml" 0600 || true
[ -z "$gitops" ] || place "$gitops" "$manifests/hedgeschool-5-gitops.yaml" 0600 || true

# --- K3s' door -----------------------------------------------------------------------------------

if [ -n "$dry" ]; then
    say 'Nothing was written.'
    exit 0
fi
sync
if [ -z "$start" ]; then
    say "All files are there. To start: systemctl enable --now $unit, then"
    say "INSTALL_K3S_SKIP_DOWNLOAD=true sh $stick/bin/k3s-install.sh"
    exit 0
fi

systemctl daemon-reload
systemctl enable "$unit"
systemctl restart "$unit"
# K3s' installer sees a new program by itself, but neither new images nor a new configuration. What
# is in the environment, such as K3S_URL, would make another kind of node, so it gets none.
env -i PATH="$PATH" HOME="${HOME:-/root}" INSTALL_K3S_SKIP_DOWNLOAD=true \
    INSTALL_K3S_SKIP_SELINUX_RPM=true INSTALL_K3S_SELINUX_WARN=true \
    INSTALL_K3S_FORCE_RESTART="${k3s_changed:+true}" sh "$stick/bin/k3s-install.sh" ||
    fail "K3s did not start. Look at: journalctl -u k3s. Then run this again"

kubectl() { /usr/local/bin/k3s kubectl "$@"; }
say 'Waiting for the app, ten minutes at most.'
i=0
until kubectl -n hedgeschool get deployment/hedgeschool >/dev/null 2>&1; do
    i=$((i + 1))
    [ "$i" -lt 120 ] || fail 'K3s has not applied the app: journalctl -u k3s | grep Manifest'
    sleep 5
done
if [ -n "$known_id" ]; then
    sleep 20 # K3s looks for changed files every 15 s
    # A pod has its values from when it was made.
    [ -z "$node_changed" ] || kubectl -n hedgeschool rollout restart deployment/hedgeschool
fi
kubectl -n hedgeschool rollout status deployment/hedgeschool --timeout=10m ||
    fail 'the app does not get ready: k3s kubectl -n hedgeschool describe pods'

if [ -f "$manifests/hedgeschool-5-gitops.yaml" ]; then
    # K3s would put the stick's release back at each of its starts.
    : >"$manifests/hedgeschool-1-namespace.yaml.skip"
    : >"$manifests/hedgeschool-4-app.yaml.skip"
    say 'From here on the fleet says which release runs.'
fi
say "Node $node_id serves."
