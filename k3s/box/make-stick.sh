#!/bin/sh
# Puts all that an edge box needs into a folder, e.g. of a USB stick. docs/edge-box.md
set -eu

usage() {
    cat <<'HELP'
make-stick.sh [options] FOLDER

Collects what an edge box is installed from. FOLDER must be empty or not there.

From K3s' release (one for each architecture):
  --k3s FILE          the program `k3s`
  --k3s-images FILE   k3s-airgap-images-ARCH.tar.zst (.tar and .tar.gz will do, too)
  --k3s-install FILE  K3s' install.sh
  --k3s-sums FILE     sha256sum-ARCH.txt; checks the first two. Optional

From elsewhere:
  --redis FILE        the archive of the image that the manifests name
  --image FILE        one more archive of images; may be repeated. Optional
  --registries FILE   registries.yaml for the boxes. Optional

From this repository:
  --build FOLDER      what `cargo xtask image` made        (default: target/image)
  --overlay FOLDER    is rendered by `kubectl kustomize`   (default: k3s/overlays/edge)
  --manifests FILE    is taken instead of an overlay

  --arch ARCH         amd64 or arm64                       (default: this machine's)
  --help
HELP
}

fail() {
    printf 'make-stick.sh: %s\n' "$*" >&2
    exit 1
}

architecture() {
    case $1 in
        x86_64 | amd64) echo amd64 ;;
        aarch64 | arm64) echo arm64 ;;
        *) fail "no box of architecture '$1': K3s and the shim are there for amd64 and arm64" ;;
    esac
}

here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
k3s='' k3s_images='' k3s_install='' k3s_sums='' redis='' registries='' manifests='' folder=''
build=$repository/target/image
overlay=$repository/k3s/overlays/edge
arch=$(architecture "$(uname -m)")

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
more=$scratch/more
: >"$more"

while [ $# -gt 0 ]; do
    case $1 in
        --help) usage; exit 0 ;;
        --*) [ $# -gt 1 ] || fail "$1 takes a value; see --help" ;;
    esac
    case $1 in
        --k3s) k3s=$2 ;;
        --k3s-images) k3s_images=$2 ;;
        --k3s-install) k3s_install=$2 ;;
        --k3s-sums) k3s_sums=$2 ;;
        --redis) redis=$2 ;;
        --image) printf '%s\n' "$2" >>"$more" ;;
        --registries) registries=$2 ;;
        --build) build=$2 ;;
        --overlay) overlay=$2 ;;
        --manifests) manifests=$2 ;;
        --arch) arch=$(architecture "$2") ;;
        --*) fail "unknown option '$1'; see --help" ;;
        *)
            [ -z "$folder" ] || fail "one folder, please: '$folder' or '$1'?"
            folder=$1
            shift
            continue
            ;;
    esac
    shift 2
done
[ -n "$folder" ] || fail 'which folder is the stick? See --help'
if [ -d "$folder" ] && [ -n "$(ls -A "$folder")" ]; then
    fail "$folder has files in it: a stick is made from nothing, so that no old file stays on it"
fi

# --- everything is looked for before anything is written -----------------------------------------

missing=$scratch/missing
: >"$missing"
need() { # file, what it is, where it comes from
    [ -n "$1" ] && [ -f "$1" ] && return 0
    printf '  %s%s\n    %s\n' "$2" "${1:+ ($1)}" "$3" >>"$missing"
}

case $arch in amd64) program=k3s ;; *) program=k3s-$arch ;; esac
release='https://github.com/k3s-io/k3s/releases, v1.30.4+k3s1 or later'
need "$k3s" 'K3s: --k3s' "$program of $release"
need "$k3s_images" "K3s' images: --k3s-images" "k3s-airgap-images-$arch.tar.zst of $release"
need "$k3s_install" "K3s' installer: --k3s-install" 'https://get.k3s.io'
need "$redis" 'the image of Redis: --redis' \
    'skopeo copy docker://IMAGE docker-archive:redis.tar:IMAGE, or docker save IMAGE'
for name in containerd-shim-hedge-v1 hedge hedgeschool.tar; do
    need "$build/$name" "$name: --build" 'cargo xtask image'
done
[ -z "$k3s_sums" ] || need "$k3s_sums" 'sums: --k3s-sums' "sha256sum-$arch.txt of $release"
[ -z "$registries" ] || need "$registries" 'registries: --registries' 'k3s/box/registries.yaml'
while IFS= read -r file; do
    need "$file" 'an image: --image' 'skopeo copy, or docker save'
done <"$more"
if [ -n "$manifests" ]; then
    need "$manifests" 'manifests: --manifests' 'kubectl kustomize k3s/overlays/edge'
elif [ ! -d "$overlay" ]; then
    need '' "the overlay $overlay: --overlay" 'this repository'
elif ! command -v kubectl >/dev/null; then
    need '' 'kubectl, which renders the manifests' 'install it, or give rendered ones: --manifests'
fi
if [ -s "$missing" ]; then
    printf 'make-stick.sh: not there yet; nothing was written:\n' >&2
    cat "$missing" >&2
    exit 1
fi

# A file of K3s must be the one that its release says.
verify() { # file, its name in the release
    expected=$(awk -v name="$2" '$2 == name || $2 == "*" name { print $1 }' "$k3s_sums")
    [ -n "$expected" ] || fail "$k3s_sums does not speak of $2: is it of architecture $arch?"
    [ "$expected" = "$(sha256sum <"$1" | cut -d' ' -f1)" ] ||
        fail "$1 is not what $k3s_sums says of $2: get both anew"
}
if [ -n "$k3s_sums" ]; then
    verify "$k3s" "$program"
    verify "$k3s_images" "$(basename "$k3s_images")"
fi

# --- manifests: the namespace by itself, for what the box has of its own goes between ------------

rendered=$scratch/rendered.yaml
if [ -n "$manifests" ]; then
    cp "$manifests" "$rendered"
else
    kubectl kustomize "$overlay" >"$rendered" || fail "$overlay: kubectl kustomize failed"
fi
awk -v namespace="$scratch/namespace.yaml" -v app="$scratch/app.yaml" '
    function flush() {
        if (text != "") printf "%s", (text ~ /^---/ ? "" : "---\n") text > (own ? namespace : app)
        text = ""; own = 0
    }
    /^---/ { flush() }
    /^kind: Namespace[ \t]*$/ { own = 1 }
    { text = text $0 "\n" }
    END { flush() }
' "$rendered"
[ -s "$scratch/namespace.yaml" ] || fail 'the manifests make no namespace: is this one of ours?'
[ -s "$scratch/app.yaml" ] || fail 'the manifests have nothing but a namespace'

# An image that is named but is on no archive would be pulled, or waited for, forever.
images() {
    sed -n "s/^[ -]*image: *[\"']\{0,1\}\([^\"' ]*\).*/\1/p" "$scratch/app.yaml" | sort -u
}
contents=$scratch/contents
{ printf '%s\n' "$build/hedgeschool.tar" "$redis" && cat "$more"; } |
    while IFS= read -r archive; do
        for part in index.json manifest.json; do
            tar -xOf "$archive" "$part" 2>/dev/null || true
        done
    done >"$contents"
images | while IFS= read -r image; do
    short=${image#docker.io/library/}
    case $image in
        *@*) fail "$image is named by its digest, and an archive brings tags: name it by its tag" ;;
    esac
    grep -qF -e "\"$image\"" -e "\"$short\"" "$contents" ||
        fail "the manifests name $image, which is in no archive: give it with --redis or --image"
done

# --- write ---------------------------------------------------------------------------------------

mkdir -p "$folder/bin" "$folder/images" "$folder/config" "$folder/manifests"
cp "$here/install.sh" "$folder/install.sh"
cp "$k3s" "$folder/bin/k3s"
cp "$k3s_install" "$folder/bin/k3s-install.sh"
cp "$build/containerd-shim-hedge-v1" "$build/hedge" "$folder/bin/"
cp "$build/hedgeschool.tar" "$folder/images/hedgeschool.tar"
cp "$redis" "$folder/images/redis.tar"
cp "$k3s_images" "$folder/images/"
while IFS= read -r file; do
    name=$(basename "$file")
    [ ! -e "$folder/images/$name" ] || fail "two archives are called $name: give one another name"
    cp "$file" "$folder/images/$name"
done <"$more"
for name in config.yaml config.toml.tmpl config-v3.toml.tmpl hedgeschool-net.service; do
    cp "$here/$name" "$folder/config/$name"
done
[ -z "$registries" ] || cp "$registries" "$folder/config/registries.yaml"
cp "$scratch/namespace.yaml" "$scratch/app.yaml" "$folder/manifests/"
{
    printf 'arch %s\n' "$arch"
    images | sed 's/^/image /'
} >"$folder/stick.txt"

(
    cd "$folder"
    find . -type f ! -name SHA256SUMS | LC_ALL=C sort | sed 's|^\./||' >"$scratch/files"
    while IFS= read -r file; do sha256sum "$file"; done <"$scratch/files" >SHA256SUMS
)
sync

cat "$folder/stick.txt"
du -sh "$folder" | awk '{ print "size " $1 }'
printf 'SHA256SUMS is %s\n' "$(sha256sum <"$folder/SHA256SUMS" | cut -d' ' -f1)"
echo 'Note that number apart from the stick: install.sh --expect NUMBER refuses any other stick.'
