"""The engine for Qwen image and vision models: one model per process, behind OpenAI's routes.

It works alone, without manager or proxy. Layers, top to bottom: `cli`, `serve`, `app`, `api`, `parts`, `jobs`
and `files`, `engine`, `loading`, `chat` and `images`, `memory`, `worker` and `media`, `errors`. Only adapters
that the build names (`chat.model`, `chat.batch`, `images.pipelines`, `memory.loader` and the like) import the
inference stack, each after `torch_ready`; the rest is plain Python, and runs and is tested without torch.
"""
