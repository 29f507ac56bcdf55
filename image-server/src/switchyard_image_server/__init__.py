"""The engine for Qwen image and vision models: one model per process, behind OpenAI's routes.

It works alone, without manager or proxy. Layers, top to bottom: `cli`, `serve`, `app`, `api`, `engine`,
`loading`, `chat` and `images`, `worker` and `media`, `errors`. Only `loading`, `device`, `quiet`, `chat.model`,
`chat.prompt`, `images.model` and the demo's pictures import the inference stack, each after `torch_ready`;
the rest is plain Python, runs without torch, and is tested without it.
"""
