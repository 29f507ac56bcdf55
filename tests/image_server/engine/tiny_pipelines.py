"""Two more pipelines with random weights, of classes that the demo has no model of."""

from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

# isort: split
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage21,
    DDIMScheduler,
    QwenImage21Pipeline,
    QwenImage21Transformer2DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
)

from switchyard_image_server.demo.language import HIDDEN, write_language_model
from switchyard_image_server.demo.picture import published_scheduler
from switchyard_image_server.demo.replies import plain_script


def write_qwen_image_21(folder: Path, sample_sigmas: list[float] | None = None) -> None:
    encoder = folder.with_name(f"{folder.name}-encoder")
    write_language_model(encoder, plain_script("encoder"), vision=True)
    torch.manual_seed(0)
    vae = AutoencoderKLQwenImage21(
        base_dim=4,
        decoder_base_dim=4,
        z_dim=16,
        dim_mult=[1, 1, 1, 1, 1],
        num_res_blocks=1,
        temperal_downsample=[False, True, True, True],
        latents_mean=[0.0] * 16,
        latents_std=[1.0] * 16,
    )
    transformer = QwenImage21Transformer2DModel(
        patch_size=1,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        attention_head_dim=16,
        num_attention_heads=2,
        context_in_dim=HIDDEN,
        mlp_ratio=2,
        axes_dims_rope=(8, 4, 4),
    )
    pipeline = QwenImage21Pipeline(
        scheduler=published_scheduler(),
        vae=vae.eval(),
        text_encoder=AutoModelForImageTextToText.from_pretrained(encoder, dtype=torch.float32),
        processor=AutoProcessor.from_pretrained(encoder),
        transformer=transformer.eval(),
        sample_sigmas=sample_sigmas,
    )
    pipeline.save_pretrained(folder)


def write_stable_diffusion(folder: Path) -> None:
    """A class that the server knows nothing of."""
    letters = [chr(i) for i in range(97, 123)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    tokenizer = CLIPTokenizer(
        vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77
    )
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(tokens),
        hidden_size=32,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=2,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    pipeline = StableDiffusionPipeline(
        vae=_small_vae(),
        text_encoder=CLIPTextModel(config).eval(),
        tokenizer=tokenizer,
        unet=_small_unet(),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.save_pretrained(folder)


def _small_vae() -> Any:
    return AutoencoderKL(
        block_out_channels=[8, 8],
        norm_num_groups=4,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
    ).eval()


def _small_unet() -> Any:
    return UNet2DConditionModel(
        block_out_channels=(8, 16),
        layers_per_block=1,
        sample_size=40,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=2,
    ).eval()
