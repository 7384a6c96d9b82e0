#!/bin/sh
# Makes FOLDER/python: Python, NumPy, Numba and pytest for aarch64, run by QEMU on a processor that it emulates.
#
#   tests/aarch64.sh FOLDER PYTHON
#
# PYTHON is one of this machine that has pip. It takes a Debian (apt-get, dpkg-deb); nothing is installed outside
# FOLDER, and nobody has to be root.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
python=$2
here=$(dirname "$0")

# packages ARCHITECTURE TARGET NAME...: unpack packages and all that they need, from lists of their own.
packages() {
    architecture=$1 target=$2 apt=$folder/apt/$1
    shift 2
    mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$target"
    : > "$apt/status"
    cat > "$apt/apt.conf" <<END
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
APT::Install-Recommends "false";
APT::Sandbox::User "root";
Debug::NoLocking "true";
Dir::State "$apt";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
END
    APT_CONFIG=$apt/apt.conf apt-get -qq update
    APT_CONFIG=$apt/apt.conf apt-get -qq --yes --download-only install "$@" > "$apt/log"
    for package in "$apt"/archives/*.deb; do dpkg-deb --extract "$package" "$target"; done
    rm -r "$apt"
}

root=$folder/root
packages "$(dpkg --print-architecture)" "$folder/unpacked" qemu-user-static
cp -L "$folder/unpacked/usr/bin/qemu-aarch64-static" "$folder/qemu"
rm -r "$folder/unpacked" # it emulates everything else too
packages arm64 "$root" python3-minimal libpython3-stdlib libstdc++6
# Programs that it starts as sys.executable are this script again; what tests leave out of the environment is in it.
cat > "$folder/python" <<END
#!/bin/sh
export PYTHONHOME="$root/usr" NUMBA_CPU_NAME=neoverse-n1 XDG_CACHE_HOME="$folder/cache"
unset OPENBLAS_CORETYPE # of the processor that is really there
exec "$folder/qemu" -cpu neoverse-n1 -L "$root" -0 "$folder/python" "$root/usr/bin/python3" "\$@"
END
chmod +x "$folder/python"
version=$("$folder/python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')

# What tests of kernels import, in the versions of pyproject.toml.
names='numpy|numba|tqdm|filelock|platformdirs|threadpoolctl|pytest|hypothesis'
sed -nE "s/^ *\"(($names)>=[^\"]*)\",.*/\1/p" "$here/../pyproject.toml" > "$folder/requirements.txt"
"$python" -m pip install --quiet --upgrade --target "$root/usr/lib/python3/dist-packages" --python-version "$version" \
    --platform manylinux_2_28_aarch64 --platform manylinux_2_27_aarch64 --platform manylinux2014_aarch64 \
    --only-binary=:all: --requirement "$folder/requirements.txt"
"$folder/python" -c 'import numba, platform; print("Numba", numba.__version__, "on", platform.machine())'
