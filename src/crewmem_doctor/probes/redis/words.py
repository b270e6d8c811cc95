"""What to do about a trouble, by its name: a sentence and the change as it would be written."""

from __future__ import annotations

from collections.abc import Mapping

# What a server says when it refuses a write for good. Anything else means that it could not be tried.
REFUSALS = ("READONLY", "OOM", "MISCONF", "NOPERM", "NOREPLICAS")
REMEDIES: Mapping[str, tuple[str, str]] = {
    "DNS": ("Check the host's name; where only the application's network knows it, run the probe there", ""),
    "REFUSED": ("Start the server, let it listen on this address and port, and open the firewall between", ""),
    "TIMEOUT": ("Look for a firewall that drops the packets, and at what the server is busy with", ""),
    "UNREACHABLE": ("Run the probe where the application runs, or route this machine to the server's network", ""),
    "CLOSED": ("Look into the server's log for why it ends connections", ""),
    "TLS": ("Use the scheme that the server speaks: rediss:// with TLS, redis:// without", ""),
    "CERTIFICATE": ("Name the certificate authority that signed it, and the host as the certificate has it",
                    "rediss://HOST:PORT/0?ssl_ca_certs=/path/to/ca.pem"),
    "FILE": ("Correct the path in the URL, or mount the file where the application runs", ""),
    "PROTOCOL": ("Check the port: something else listens there", ""),
    "WRONGPASS": ("Correct the user name and the password in the secret that holds the URL", ""),
    "NOAUTH": ("Put the password into the URL", "redis://:PASSWORD@HOST:PORT/0"),
    "NOPASS": ("Set a password on the server, or take it out of the URL", "requirepass PASSWORD"),
    "CLIENTS": ("Raise maxclients, or close connections that the application leaks", "maxclients 10000"),
    "DENIED": ("Set a password on the server, which ends its protected mode", "requirepass PASSWORD"),
    "LOADING": ("Wait until the server has read its data, and let the application wait for that too", ""),
    "MASTERDOWN": ("Restore the link between the replica and its primary, or use the primary's address", ""),
    "CLUSTERDOWN": ("Give every slot of the cluster a node that is up", "redis-cli --cluster fix HOST:PORT"),
    "MOVED": ("Use the addresses under which this machine reaches the nodes", "cluster-announce-ip ADDRESS"),
    "SENTINEL": ("Check the sentinels' addresses and the name of the service",
                 "redis+sentinel://HOST:26379,HOST:26379/SERVICE/0"),
    "DB": ("Use a database that the server has; a cluster has only 0", "redis://HOST:PORT/0"),
    "READONLY": ("Use the primary's address: this one is a replica", "redis://PRIMARY:PORT/0"),
    "OOM": ("Give the server more memory, or store less", "maxmemory 512mb"),
    "MISCONF": ("Let the server save again: free space on its disk, and give its user the data directory",
                "dir /data     # on a volume with free space, owned by the server's user"),
    "NOPERM": ("Let the user read and write its keys", "user NAME on >PASSWORD ~* +@read +@write +@connection"),
    "NOPERM-KEY": ("Say with which prefix the user may write, so that the probe's key begins with it",
                   "redis://HOST:PORT/0?key_prefix=app:"),
    "NOREPLICAS": ("Bring back the replicas that min-replicas-to-write asks for, or lower it",
                   "min-replicas-to-write 0"),
}
DEFAULT = ("Check the address, the network between and the credentials", "")


def remedy(name: str) -> tuple[str, str]:
    return REMEDIES.get(name, DEFAULT)
