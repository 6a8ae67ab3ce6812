# Debian's /etc/profile resets PATH in login shells; the environment of the project comes after it.
if [ -n "${HUTCH_ENV:-}" ] && [ -r "$HUTCH_ENV" ]; then
  . "$HUTCH_ENV"
fi
