# The image of every project's container. The supervisor changes more often than all below it.
ARG BASE
FROM $BASE
ARG UID=1000
ARG GID=1000
COPY supervisor/ /opt/hutch/supervisor/
RUN python3 -m compileall -q /opt/hutch/supervisor
USER $UID:$GID
ENTRYPOINT ["/usr/bin/python3", "-ISs", "/opt/hutch/supervisor", "serve", "--state", "/run/hutch", "--workspace", "/workspace", "--environments", "/var/lib/hutch/environments"]
