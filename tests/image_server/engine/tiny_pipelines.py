"""Pipelines with random weights, of the classes that the demo has no model of: real code, tiny parts."""

from pathlib import Path
from typing import Any

import switchyard_image_server.torch_ready  # noqa: F401 - before transformers and diffusers

# isort: split
import torch
from diffusers import (
    AutoencoderKL,
    AutoencoderKLQwenImage21,
    DDIMScheduler,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    QwenImage21Pipeline,
    QwenImage21Transformer2DModel,
    QwenImageControlNetModel,
    QwenImageControlNetPipeline,
    QwenImageEditPipeline,
    QwenImageEditPlusPipeline,
    QwenImageLayeredPipeline,
    QwenImagePipeline,
    QwenImageTransformer2DModel,
    StableDiffusionPipeline,
    UNet2DConditionModel,
)
from transformers import (
    AutoModelForImageTextToText,
    AutoProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLProcessor,
    Qwen2VLVideoProcessor,
    T5Config,
    T5EncoderModel,
)

from switchyard_image_server.demo.language import HIDDEN, write_language_model
from switchyard_image_server.demo.picture import published_scheduler
from switchyard_image_server.demo.replies import plain_script

# None is 0 or 1, nor a power of 2: to forget one, or to round it otherwise, must show in the pictures.
SCALES = {
    "latents_mean": [0.03 * place - 0.2 for place in range(16)],
    "latents_std": [0.7 + 0.05 * place for place in range(16)],
}
LAYERS_OF_A_DENOISER = {
    "num_layers": 2,
    "attention_head_dim": 16,
    "num_attention_heads": 3,
    "joint_attention_dim": 16,
    "axes_dims_rope": (8, 4, 4),
}


def _parts(words: Path) -> dict[str, Any]:
    """Of the demo's pipeline, which lies there: all classes of the first generation share them."""
    parts: dict[str, Any] = QwenImagePipeline.from_pretrained(words).components
    parts["vae"].register_to_config(**SCALES)
    return parts


def _denoiser(**more: Any) -> Any:
    torch.manual_seed(1)
    return QwenImageTransformer2DModel(
        patch_size=2, in_channels=64, out_channels=16, guidance_embeds=False, **LAYERS_OF_A_DENOISER, **more
    ).eval()


def _processor(tokenizer: Any) -> Any:
    """Few pixels for the text encoder: edits stay cheap."""
    size = {"shortest_edge": 56 * 56, "longest_edge": 4 * 56 * 56}
    geometry = {"patch_size": 14, "temporal_patch_size": 2, "merge_size": 2, "size": size}
    return Qwen2VLProcessor(
        image_processor=Qwen2VLImageProcessor(**geometry),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**geometry),
        chat_template="{{ messages }}",
    )


def write_edit(folder: Path, words: Path) -> None:
    parts = _parts(words)
    QwenImageEditPipeline(**parts, processor=_processor(parts["tokenizer"])).save_pretrained(folder)


def write_edit_plus(folder: Path, words: Path) -> None:
    """In the layout of 2511, whose references are modulated from the first step's side."""
    parts = _parts(words) | {"transformer": _denoiser(zero_cond_t=True)}
    QwenImageEditPlusPipeline(**parts, processor=_processor(parts["tokenizer"])).save_pretrained(folder)


def write_layered(folder: Path, words: Path) -> None:
    parts = _parts(words)
    torch.manual_seed(1)
    parts["vae"] = type(parts["vae"]).from_config({**parts["vae"].config, "input_channels": 4}).eval()
    parts["transformer"] = _denoiser(use_additional_t_cond=True, use_layer3d_rope=True)
    QwenImageLayeredPipeline(**parts, processor=_processor(parts["tokenizer"])).save_pretrained(folder)


def write_controlnet(folder: Path, words: Path, *, reads_masks: bool = False) -> None:
    torch.manual_seed(1)
    controlnet = QwenImageControlNetModel(
        patch_size=2,
        in_channels=64,
        out_channels=16,
        extra_condition_channels=4 if reads_masks else 0,
        **LAYERS_OF_A_DENOISER,
    ).eval()
    for block in (*controlnet.controlnet_blocks, controlnet.controlnet_x_embedder):
        torch.nn.init.normal_(block.weight, std=0.3)  # they begin as zeros, and would change nothing
    QwenImageControlNetPipeline(**_parts(words), controlnet=controlnet).save_pretrained(folder)


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
        **SCALES,
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
    tokenizer = _speller()
    torch.manual_seed(0)
    config = CLIPTextConfig(
        vocab_size=len(tokenizer),
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


def write_pixart(folder: Path) -> None:
    """Another one, from before pipelines told what they had done at the end of each step."""
    tokenizer = _speller()
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2, pad_token_id=1
    )
    transformer = PixArtTransformer2DModel(
        sample_size=32,
        num_layers=1,
        num_attention_heads=2,
        attention_head_dim=8,
        in_channels=4,
        out_channels=8,
        cross_attention_dim=16,
        caption_channels=16,
        patch_size=2,
        use_additional_conditions=False,
    )
    pipeline = PixArtSigmaPipeline(
        tokenizer=tokenizer,
        text_encoder=T5EncoderModel(config).eval(),
        vae=_small_vae(),
        transformer=transformer.eval(),
        scheduler=DDIMScheduler(clip_sample=False),
    )
    pipeline.save_pretrained(folder)


def _speller() -> Any:
    letters = [chr(i) for i in range(97, 123)]
    tokens = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    return CLIPTokenizer(vocab={token: i for i, token in enumerate(tokens)}, merges=[], model_max_length=77)


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
