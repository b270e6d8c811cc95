"""Which images are servers that somebody else wrote."""

from __future__ import annotations

# By the last part of the image's name, without registry, owner, tag and digest.
_SERVERS: dict[str, tuple[str, ...]] = {
    "redis": ("redis", "redis-stack", "redis-stack-server", "redismod", "redis-sentinel", "redis-cluster"),
    "valkey": ("valkey", "valkey-bundle"),
    "keydb": ("keydb",),
    "dragonfly": ("dragonfly", "dragonflydb"),
    "memcached": ("memcached",),
    "postgres": ("postgres", "postgresql", "pgvector", "pgvector-rs", "pgvecto-rs", "timescaledb", "timescaledb-ha",
                 "postgis", "cloudnative-pg", "postgresql-repmgr", "spilo", "alloydbomni",
                 "vchord-suite", "vchord-postgres", "paradedb"),
    "mysql": ("mysql", "mysql-server", "percona", "percona-server"),
    "mariadb": ("mariadb",),
    "cockroach": ("cockroach",),
    "mssql": ("mssql-server-linux",),
    "oracle": ("oracle-free", "oracle-xe"),
    "mongo": ("mongo", "mongodb", "mongodb-community-server", "mongodb-atlas-local", "ferretdb"),
    "cassandra": ("cassandra", "scylla"),
    "clickhouse": ("clickhouse", "clickhouse-server"),
    "neo4j": ("neo4j",),
    "memgraph": ("memgraph", "memgraph-mage", "memgraph-platform"),
    "falkordb": ("falkordb", "falkordb-server"),
    "arangodb": ("arangodb",),
    "surrealdb": ("surrealdb",),
    "elasticsearch": ("elasticsearch",),
    "opensearch": ("opensearch",),
    "typesense": ("typesense",),
    "meilisearch": ("meilisearch",),
    "qdrant": ("qdrant",),
    "chroma": ("chroma", "chromadb", "chroma-server"),
    "weaviate": ("weaviate",),
    "milvus": ("milvus", "milvus-standalone"),
    "vespa": ("vespa",),
    "zep": ("zep", "zep-cloud"),
    "influxdb": ("influxdb",),
    "couchdb": ("couchdb",),
    "couchbase": ("couchbase", "couchbase-server"),
    "etcd": ("etcd",),
    "zookeeper": ("zookeeper", "cp-zookeeper"),
    "consul": ("consul",),
    "vault": ("vault",),
    "minio": ("minio", "seaweedfs"),
    "localstack": ("localstack", "localstack-pro"),
    "azurite": ("azurite",),
    "rabbitmq": ("rabbitmq",),
    "kafka": ("kafka", "cp-kafka", "redpanda", "cp-schema-registry", "cp-server"),
    "nats": ("nats", "nats-streaming"),
    "mosquitto": ("eclipse-mosquitto", "emqx"),
    "ollama": ("ollama",),
    "vllm": ("vllm-openai",),
    "llama.cpp": ("llama.cpp",),
    "text-generation-inference": ("text-generation-inference", "text-embeddings-inference"),
    "litellm": ("litellm", "litellm-database"),
    "localai": ("localai", "local-ai"),
    "open-webui": ("open-webui",),
    "nginx": ("nginx", "nginx-unprivileged", "openresty", "nginx-proxy", "acme-companion", "nginx-proxy-manager"),
    "traefik": ("traefik",),
    "caddy": ("caddy",),
    "haproxy": ("haproxy",),
    "envoy": ("envoy",),
    "httpd": ("httpd",),
    "kong": ("kong", "kong-gateway"),
    "certbot": ("certbot",),
    "cloudflared": ("cloudflared",),
    "oauth2-proxy": ("oauth2-proxy",),
    "keycloak": ("keycloak",),
    "prometheus": ("prometheus", "alertmanager", "pushgateway", "node-exporter", "cadvisor", "blackbox-exporter",
                   "redis_exporter", "postgres-exporter", "nginx-prometheus-exporter", "pgbouncer-exporter"),
    "grafana": ("grafana", "grafana-oss", "grafana-enterprise", "otel-lgtm", "loki",
                "promtail", "tempo", "alloy", "mimir"),
    "jaeger": ("all-in-one", "jaeger"),
    "otel-collector": ("opentelemetry-collector", "opentelemetry-collector-contrib", "otel-collector"),
    "phoenix": ("phoenix",),
    "zipkin": ("zipkin",),
    "kibana": ("kibana", "opensearch-dashboards"),
    "logstash": ("logstash", "filebeat"),
    "fluentd": ("fluentd", "fluent-bit"),
    "langfuse": ("langfuse", "langfuse-worker"),
    "mlflow": ("mlflow",),
    "pgbouncer": ("pgbouncer",),
    "pgadmin": ("pgadmin4",),
    "adminer": ("adminer", "kafka-ui", "akhq", "phpmyadmin", "mongo-express",
                "redis-commander", "redisinsight", "attu", "dbgate", "cloudbeaver"),
    "flower": ("flower",),
    "searxng": ("searxng",),
    "selenium": ("standalone-chrome", "standalone-firefox", "standalone-chromium", "hub", "chrome", "browserless"),
    "mailhog": ("mailhog", "mailpit", "maildev", "mailcatcher"),
    "n8n": ("n8n",),
    "temporal": ("temporal", "auto-setup", "temporal-ui", "ui"),
    "portainer": ("portainer", "portainer-ce"),
    "watchtower": ("watchtower",),
    "docker": ("docker", "dind", "docker-socket-proxy"),
    "k3s": ("k3s",),
}
# Names that say nothing alone, with the owners that make them one of the above; "" for Docker's own library.
_OWNED: dict[str, tuple[str, ...]] = {
    "ui": ("temporalio",), "auto-setup": ("temporalio",), "temporal": ("temporalio",), "hub": ("selenium",),
    "chrome": ("browserless",), "all-in-one": ("jaegertracing",), "phoenix": ("arizephoenix",), "flower": ("mher",),
    "docker": ("", "library"), "vault": ("", "library", "hashicorp"), "alloy": ("grafana",), "tempo": ("grafana",),
    "zep": ("getzep", "zepai"),
}
_NAMES = {image: server for server, images in _SERVERS.items() for image in images}


def backing_of(image: str) -> str:
    """The server that an image reference is, or empty: "redis" of `docker.io/library/redis:7-alpine`."""
    owner, _, last = image.strip().lower().partition("@")[0].rpartition("/")
    name = last.partition(":")[0]
    owner = owner.rpartition("/")[2]
    if owner == "semitechnologies" and name != "weaviate":
        return "inference"              # Weaviate's vectorisers, which hold no records
    if owner == "supabase" and name != "postgres":
        return "supabase"
    return _NAMES.get(name, "") if owner in _OWNED.get(name, (owner,)) else ""
