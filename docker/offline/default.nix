# The catalogue of the stand-in. A package is a derivation that links programs of the image into its $out/bin, so that
# versions are true ones and a shell is made in less than a second without any download.
{ system ? builtins.currentSystem, ... }:
let
  # `links` maps a command to the program of the image behind it.
  package = name: version: links: derivation {
    name = "${name}-${version}";
    pname = name;
    inherit version system;
    builder = "/bin/bash";
    PATH = "/usr/bin:/bin";
    links = map (command: "${command}=${links.${command}}") (builtins.attrNames links);
    args = [ "-euc" ''
      mkdir -p $out/bin
      for link in $links; do ln -s "''${link#*=}" "$out/bin/''${link%%=*}"; done
    '' ];
  };
  same = names: builtins.listToAttrs (map (name: { inherit name; value = "/usr/bin/${name}"; }) names);
  debian = name: commands: package name "debian" (same commands);

  npm = { npm = "/opt/hutch/node/npm/bin/npm"; npx = "/opt/hutch/node/npm/bin/npx"; };
  node = major: package "nodejs" major ({ node = "/opt/hutch/node/${major}/bin/node"; } // npm);

  # Each builder ends in bash itself: coreutils close their output before they exit, and Nix takes that for the builder's
  # end and kills it.
  stdenv = derivation {
    name = "stdenv";
    inherit system;
    builder = "/bin/bash";
    PATH = "/usr/bin:/bin";
    args = [ "-euc" "mkdir $out; cp ${./setup.sh} $out/setup; exit 0" ];
  };

  lists = [ "packages" "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" "inputsFrom" ];
  mkShell = attributes:
    let
      inputsOf = shell: builtins.concatMap (list: shell.${list} or [ ])
        [ "packages" "buildInputs" "nativeBuildInputs" "propagatedBuildInputs" ];
      inputs = inputsOf attributes ++ builtins.concatMap (shell: shell.shellInputs or [ ]) (attributes.inputsFrom or [ ]);
      shell = derivation (removeAttrs attributes (lists ++ [ "name" "meta" "passthru" ]) // {
        name = attributes.name or "nix-shell";
        inherit system stdenv;
        builder = "/bin/bash";
        outputs = [ "out" ];
        buildInputs = inputs;
        shellHook = attributes.shellHook or "";
        PATH = "/usr/bin:/bin";
        args = [ "-euc" "mkdir $out; exit 0" ];
      });
    in shell // { shellInputs = inputs; };

  packages = rec {
    nodejs_18 = node "18";
    nodejs_20 = node "20";
    nodejs_22 = node "22";
    nodejs_24 = node "24";
    nodejs = nodejs_22;
    python3 = package "python3" "3.13" { python3 = "/usr/bin/python3"; python = "/usr/bin/python3"; };
    python313 = python3;
    git = debian "git" [ "git" ];
    ripgrep = debian "ripgrep" [ "rg" ];
    curl = debian "curl" [ "curl" ];
    bashInteractive = debian "bash" [ "bash" "sh" ];
    bash = bashInteractive;
    coreutils = debian "coreutils" [ "ls" "cat" "cp" "mv" "rm" "mkdir" "env" "sort" "head" "tail" "wc" ];
  };
in packages // rec {
  # For the message about a package that is not here.
  names = builtins.concatStringsSep ", " (builtins.attrNames packages);
  inherit mkShell system stdenv;
  mkShellNoCC = mkShell;
  nodePackages = { npm = package "npm" "10" npm; };
  lib = {
    genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: values: if condition then values else [ ];
    systems.flakeExposed = [ "x86_64-linux" "aarch64-linux" ];
  };
}
