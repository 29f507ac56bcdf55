"""The chat template that chooses a scripted reply: data for the engines' Jinja sandboxes, not code here.

The template writes the conversation the way Qwen does and ends it with one marker token, `<|script_NAME|>`;
from there the weights know the way. The last message decides. In rising order of precedence: `text`, a
topic, tools in the request, `enable_thinking`, pictures, a tool's result, `[script:NAME]`.

It must render the same in Transformers and in vLLM, for content given as a string or as parts.
"""

import json

from switchyard_image_server.demo.replies import Script

_TEMPLATE = r"""
{%- set names = NAMES -%}
{%- set topics = TOPICS -%}
{%- set ns = namespace(script='text', said='', images=0) -%}
{%- if tools -%}
{{- '<|im_start|>system\n# Tools\n' -}}
{%- for tool in tools -%}{{- tool | tojson -}}{{- '\n' -}}{%- endfor -%}
{{- '<|im_end|>\n' -}}
{%- endif -%}
{%- for message in messages -%}
{%- if message.role == 'user' -%}{%- set ns.said = '' -%}{%- set ns.images = 0 -%}{%- endif -%}
{{- '<|im_start|>' + message.role + '\n' -}}
{%- if message.content is string -%}
{{- message.content -}}
{%- if message.role == 'user' -%}{%- set ns.said = message.content -%}{%- endif -%}
{%- elif message.content -%}
{%- for part in message.content -%}
{%- if part.type == 'image' or part.type == 'image_url' or 'image' in part -%}
{%- set ns.images = ns.images + 1 -%}
{{- '<|vision_start|><|image_pad|><|vision_end|>' -}}
{%- elif part.type == 'video' or 'video' in part -%}
{{- '<|vision_start|><|video_pad|><|vision_end|>' -}}
{%- elif 'text' in part -%}
{{- part.text -}}
{%- if message.role == 'user' -%}{%- set ns.said = ns.said + ' ' + part.text -%}{%- endif -%}
{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- if message.tool_calls -%}
{%- for call in message.tool_calls -%}
{{- '<tool_call>' + (call.function | tojson) + '</tool_call>' -}}
{%- endfor -%}
{%- endif -%}
{{- '<|im_end|>\n' -}}
{%- endfor -%}
{%- set heard = ' ' + (ns.said | lower) + ' ' -%}
{%- for topic in topics -%}
{%- if ns.script == 'text' -%}
{%- for phrase in topic[1] -%}
{%- if phrase in heard -%}{%- set ns.script = topic[0] -%}{%- endif -%}
{%- endfor -%}
{%- endif -%}
{%- endfor -%}
{%- if tools and messages[-1].role == 'user' -%}{%- set ns.script = 'tool' -%}{%- endif -%}
{%- if (enable_thinking if enable_thinking is defined else THINK_DEFAULT) and messages[-1].role == 'user'
 and not tools -%}{%- set ns.script = 'think' -%}{%- endif -%}
{%- if ns.images == 1 -%}{%- set ns.script = 'image' -%}
{%- elif ns.images > 1 and ('image' ~ ns.images) in names -%}{%- set ns.script = 'image' ~ ns.images -%}
{%- elif ns.images > 1 -%}{%- set ns.script = 'images' -%}{%- endif -%}
{%- if messages[-1].role == 'tool' -%}{%- set ns.script = 'aftertool' -%}{%- endif -%}
{%- for name in names -%}
{%- if ('[script:' + name + ']') in ns.said -%}{%- set ns.script = name -%}{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<|im_start|>assistant\n' -}}
{{- '<|script_' + ns.script + '|>' -}}
{%- endif -%}
""".strip()


def chat_template(script: Script, *, think_by_default: bool = False) -> str:
    topics = [[topic.name, list(topic.phrases)] for topic in script.topics]
    return (
        _TEMPLATE.replace("NAMES", json.dumps(list(script.all_replies())))
        .replace("TOPICS", json.dumps(topics))
        .replace("THINK_DEFAULT", "true" if think_by_default else "false")
    )
