{
  description = "A small stand-in for nixpkgs where it can't be fetched: true programs, which the image brings along";

  outputs = { self }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" ];
      genAttrs = names: f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) names);
    in {
      lib = (import ./. { system = "x86_64-linux"; }).lib;
      legacyPackages = genAttrs systems (system: import ./. { inherit system; });
    };
}
