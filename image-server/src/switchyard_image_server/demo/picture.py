"""Write a tiny Qwen-Image pipeline with random weights: noise for pictures, but every real code path runs.

The geometry is the real one (8x VAE, 16 latent channels, 2x2 patches, the published scheduler values); the
layers are tiny. The weights are seeded: the same release of torch gives the same bytes.
"""

import json
from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

# isort: split
import torch
from diffusers import (
    AutoencoderKLQwenImage,
    FlowMatchEulerDiscreteScheduler,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
)
from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

from switchyard_image_server.demo.picture_tokens import picture_tokenizer
from switchyard_image_server.quiet import quiet, quiet_diffusers

HIDDEN = 16
# What the server uses when a request leaves it open: a picture in well under a second on a laptop.
DEFAULTS = {"size": "256x256", "num_inference_steps": 4, "true_cfg_scale": 1.0}


def _text_encoder(tokenizer: Any) -> Any:
    ids = tokenizer.convert_tokens_to_ids
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": HIDDEN,
            "intermediate_size": 2 * HIDDEN,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 2,
            "vocab_size": -(-len(tokenizer) // 64) * 64,
            "max_position_embeddings": 32768,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [1, 1, 2],
                "rope_theta": 1_000_000.0,
            },
            "bos_token_id": ids("<|endoftext|>"),
            "eos_token_id": ids("<|im_end|>"),
            "pad_token_id": ids("<|endoftext|>"),
            "use_sliding_window": False,
        },
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 32,
            "num_heads": 2,
            "out_hidden_size": HIDDEN,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
        vision_token_id=ids("<|vision_pad|>"),
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    return Qwen2_5_VLForConditionalGeneration(config).eval()


def published_scheduler() -> Any:
    return FlowMatchEulerDiscreteScheduler(
        base_image_seq_len=256,
        base_shift=0.5,
        max_image_seq_len=8192,
        max_shift=0.9,
        num_train_timesteps=1000,
        shift=1.0,
        shift_terminal=0.02,
        time_shift_type="exponential",
        use_dynamic_shifting=True,
    )


def _vae() -> Any:
    torch.manual_seed(0)
    vae = AutoencoderKLQwenImage(
        base_dim=4,
        z_dim=16,
        dim_mult=[1, 1, 1, 1],
        num_res_blocks=0,
        temperal_downsample=[False, True, True],
        input_channels=3,
        latents_mean=[0.0] * 16,
        latents_std=[1.0] * 16,
    ).eval()
    # Random weights paint grey on grey. More contrast, around the middle, so that pictures can be told apart.
    vae.decoder.conv_out.weight.data *= 7
    vae.decoder.conv_out.bias.data = torch.tensor([-0.8162, -0.7031, 0.9607])
    return vae


def _transformer() -> Any:
    torch.manual_seed(0)
    return QwenImageTransformer2DModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=3,
        joint_attention_dim=HIDDEN,
        guidance_embeds=False,
        axes_dims_rope=(8, 4, 4),
    ).eval()


def write_picture_model(folder: Path) -> None:
    quiet()
    quiet_diffusers()
    tokenizer = picture_tokenizer()
    with torch.random.fork_rng(devices=[]):
        pipeline = QwenImagePipeline(
            scheduler=published_scheduler(),
            vae=_vae(),
            text_encoder=_text_encoder(tokenizer),
            tokenizer=tokenizer,
            transformer=_transformer(),
        )
    pipeline.save_pretrained(folder, safe_serialization=True)
    (folder / "image_defaults.json").write_text(json.dumps(DEFAULTS, indent=1), encoding="utf-8")
