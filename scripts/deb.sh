#!/usr/bin/env bash
# Builds the Debian package, .build/deb/cloud-mirror_VERSION_ARCHITECTURE.deb, and checks it with lintian.
# EXECUTABLE=FILE packages that executable; without it, the release executable is built first.
# DEBFULLNAME and DEBEMAIL name the maintainer of the package.
set -euo pipefail
# shellcheck source=scripts/lib.sh
source "$(dirname "$0")/lib.sh"

for program in chrpath dpkg-deb dpkg-shlibdeps strip lintian; do
    command -v "$program" >/dev/null || fail "$program is missing: apt-get install binutils chrpath dpkg-dev lintian"
done
executable=${EXECUTABLE:-}
if [[ -z $executable ]]; then
    scripts/build-release.sh
    executable=.build/release/cloud-mirror
fi

umask 022
date=$(git log -1 --format=%cD 2>/dev/null || date -R)
maintainer="${DEBFULLNAME:-cloud-mirror} <${DEBEMAIL:-root@localhost}>"
folder=.build/deb
package=$folder/package
rm -rf "$folder"
install -d "$package"/{DEBIAN,etc/cloud-mirror} "$package"/usr/share/{man/man1,man/man5,cloud-mirror/monitoring,doc/cloud-mirror,lintian/overrides}

install -D -m 755 "$executable" "$package/usr/bin/cloud-mirror"
strip --strip-unneeded --remove-section=.comment --remove-section=.note "$package/usr/bin/cloud-mirror"
program=$package/usr/bin/cloud-mirror
# Debian's order: 0.2.0~beta.1 comes before 0.2.0.
version=$("$program" --version)
version=${version/-/\~}
architecture=$(dpkg --print-architecture)

# The units as they are for an installation by hand, but for the place of the executable and the comment that says how to install them.
for unit in cloud-mirror cloud-mirror-copier; do
    install -d "$package/lib/systemd/system"
    sed -e '1,/^$/{/^#/d;/^$/d}' -e 's|/usr/local/bin/cloud-mirror|/usr/bin/cloud-mirror|' "deploy/$unit.service" >"$package/lib/systemd/system/$unit.service"
done
install -m 644 deploy/debian/cloud-mirror.yaml "$package/etc/cloud-mirror/cloud-mirror.yaml"
echo /etc/cloud-mirror/cloud-mirror.yaml >"$package/DEBIAN/conffiles"

python3 scripts/man-pages.py "$program" "$folder/man"
for page in "$folder"/man/*; do gzip -9 -n -c "$page" >"$package/usr/share/man/man${page##*.}/${page##*/}.gz"; done
# Completions are read and not run, so they have no interpreter.
complete() { install -D -m 644 /dev/stdin "$package/usr/share/$2" < <("$program" --generate-completion-script "$1" | sed '1{/^#!/d}'); }
complete bash bash-completion/completions/cloud-mirror
complete zsh zsh/vendor-completions/_cloud-mirror
complete fish fish/vendor_completions.d/cloud-mirror.fish

install -m 644 deploy/monitoring/* "$package/usr/share/cloud-mirror/monitoring/"
install -m 644 README.md SECURITY.md docs/*.md docs/openapi.yaml config/cloud-mirror.example.yaml deploy/debian/copyright "$package/usr/share/doc/cloud-mirror/"
gzip -9 -n -c CHANGELOG.md >"$package/usr/share/doc/cloud-mirror/CHANGELOG.md.gz"
printf 'cloud-mirror (%s) unstable; urgency=medium\n\n  * CHANGELOG.md.gz says what is new.\n\n -- %s  %s\n' "$version" "$maintainer" "$date" |
    gzip -9 -n >"$package/usr/share/doc/cloud-mirror/changelog.gz"
if [[ -z ${EXECUTABLE:-} ]]; then
    python3 scripts/sbom.py .build/release "$folder/bill-of-materials.json"
    gzip -9 -n -c "$folder/bill-of-materials.json" >"$package/usr/share/doc/cloud-mirror/bill-of-materials.json.gz"
fi
install -m 644 deploy/debian/lintian-overrides "$package/usr/share/lintian/overrides/cloud-mirror"

# What it links, with the versions that this system has: dpkg-shlibdeps looks for a source package.
mkdir -p "$folder/source/debian"
printf 'Source: cloud-mirror\n\nPackage: cloud-mirror\nArchitecture: any\n' >"$folder/source/debian/control"
depends=$(cd "$folder/source" && dpkg-shlibdeps -O -e "$root/$program" 2>/dev/null | sed -n 's/^shlibs:Depends=//p')
[[ -n $depends ]] || fail "dpkg-shlibdeps finds no package for the libraries of $program"
# A search path for libraries is only good for the machine that built it. Removed last: an EXECUTABLE that is not static needs it until here.
chrpath --delete "$program" >/dev/null
size=$(du -sk --apparent-size "$package" | cut -f1)
sed -e "s|@VERSION@|$version|" -e "s|@ARCHITECTURE@|$architecture|" -e "s|@SIZE@|$size|" -e "s|@DEPENDS@|$depends|" -e "s|@MAINTAINER@|$maintainer|" \
    deploy/debian/control >"$package/DEBIAN/control"
install -m 755 deploy/debian/{postinst,prerm,postrm} "$package/DEBIAN/"
(cd "$package" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)

file=$folder/cloud-mirror_${version}_$architecture.deb
dpkg-deb --root-owner-group -Zxz --build "$package" "$file" >/dev/null
say "lintian"
# Without an address, lintian has nothing to say about one.
suppressed=()
if [[ -z ${DEBEMAIL:-} ]]; then suppressed=(--suppress-tags "bogus-mail-host,bogus-mail-host-in-debian-changelog,root-in-contact"); fi
lintian --fail-on error,warning --tag-display-limit 0 --allow-root "${suppressed[@]}" "$file"
say "Wrote $file ($(du -h "$file" | cut -f1))"
