"""The Ollama API as a translation to and from OpenAI's. Pure: an Ollama request is served as any other is.

requests, messages   what a client asks, as OpenAI would ask it
replies, streams     what an engine answers, as Ollama would answer it
sink                 the two of them where a reply goes by
documents            what is answered without an engine: models, versions, pulls
dialect              errors
"""
