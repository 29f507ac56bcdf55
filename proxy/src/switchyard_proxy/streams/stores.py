"""Which store the operator chose."""

from switchyard_proxy.settings import Settings
from switchyard_proxy.streams.log import Store
from switchyard_proxy.streams.memory import MemoryStore
from switchyard_proxy.streams.sqlite import SqliteStore


def store_for(settings: Settings, process: str) -> Store:
    """`process` names this process and no other, ever. Opens nothing yet."""
    match settings.stream_store:
        case "memory":
            return MemoryStore()
        case "sqlite":
            return SqliteStore(settings.folder, process)
        case url:
            from switchyard_proxy.streams.redis_log import RedisStore  # a tenth of a second that few need

            return RedisStore(url, process)
