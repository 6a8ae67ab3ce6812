# What a shell of the stand-in does in place of nixpkgs' stdenv: puts the inputs on PATH, nothing else.
export PATH=/usr/local/bin:/usr/bin:/bin
for input in $buildInputs; do
  PATH="$input/bin:$PATH"
done
