"""Pictures as sources: a map of features in the place of the states of an encoder. Source: Vinyals et al. 2015, Xu et
al. 2015."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fasts2s import initial_weights as init
from fasts2s.backend import Backend, BackendLike
from fasts2s.layers import Affine, TimeAffine
from fasts2s.models.encoder_decoder._backbone import Backbone
from fasts2s.models.encoder_decoder._dropout import Dropper, dropped
from fasts2s.models.encoder_decoder._encoder import Read
from fasts2s.models.encoder_decoder._recurrent import State
from fasts2s.models.encoder_decoder.model import EncoderDecoder
from fasts2s.models.encoder_decoder.settings import EncoderDecoderSettings
from fasts2s_kernels.arrays import AnyArray, Array
from fasts2s_kernels.checks import flag, integer
from fasts2s_kernels.checks.arguments import listed
from fasts2s_kernels.checks.either import as_array, beside, require_real

#: Pictures whose features are computed together.
_TOGETHER = 256


class ImageEncoder:
    """Convolutions, then all features through an affine map and tanh: h, which the decoder begins with.

    For attention every position of the map is a step, its features taken to H numbers by an affine map.

    Parameters of the backbone, those of h, those of the positions.
    """

    def __init__(
        self,
        settings: EncoderDecoderSettings,
        picture: tuple[int, int, int],
        filters: Sequence[int],
        freeze: bool,
        backend: Backend,
    ) -> None:
        self.settings, self.picture, self.freeze = settings, picture, freeze
        C, height, width = picture
        self.backbone = Backbone([C, *filters], backend)
        self.rows, self.columns = Backbone.map_sides(height, width, len(filters))
        channels, H = (filters[-1] if filters else C), settings.hidden_size
        if settings.source_size != channels or not self.rows or not self.columns:
            raise ValueError(
                f"source_size is {settings.source_size}, picture {picture}, filters {tuple(filters)}, expected the "
                "channels of the map, the last number of filters, and a picture that can be halved as often"
            )
        self.of_all = Affine(*init.affine(self.rows * self.columns * channels, H, backend), backend=backend)
        self.of_each: TimeAffine | None = None
        if settings.attention != "none":
            self.of_each = TimeAffine(*init.affine(channels, H, backend), backend=backend)
        heads: list[Any] = [self.of_all, *([self.of_each] if self.of_each else [])]
        self.params = [p for part in [self.backbone, *heads] for p in part.params]
        self.grads = [g for part in [self.backbone, *heads] for g in part.grads]
        self.parts = [*self.backbone.layers, *heads]

    def checked(self, xs: Any) -> tuple[Array, Array]:
        """Return pictures (N, C, H, W) or maps (N, P, M), and the mask of what is attended to. Raises ValueError."""
        s, weights = self.settings, self.of_all.params[0]
        maps = (self.rows * self.columns, s.source_size)
        xs = as_array("xs", xs, "pictures (N, C, H, W) or maps (N, P, M)")
        require_real("xs", xs)
        allowed = [maps, *([self.picture] if self.backbone.layers else [])]
        if xs.ndim < 3 or xs.shape[1:] not in allowed:
            wanted = " or ".join(f"(N, {', '.join(map(str, shape))})" for shape in reversed(allowed))
            raise ValueError(f"xs has shape {xs.shape}, expected {wanted}")
        steps = maps[0] if self.of_each else 1
        return beside(weights, xs).astype(weights.dtype, copy=False), beside(weights, np.ones((len(xs), steps), bool))

    def maps(self, xs: Array) -> Array:
        """Return what checked returned as maps (N, P, M)."""
        if xs.ndim == 3:
            return xs
        found = self.backbone.forward(xs)
        N, M, rows, columns = found.shape
        return found.reshape(N, M, rows * columns).transpose(0, 2, 1)

    def forward(self, xs: Array, mask: Array, dropper: Dropper, train: bool) -> tuple[Read, Any]:
        """xs as :meth:`checked` returned it -> what was read, cache."""
        maps = self.maps(xs)
        drop = dropper.draw(maps, maps.shape, train)
        seen = dropped(maps, drop)
        N, P, M = seen.shape
        h = self.of_all.forward(seen.reshape(N, P * M))
        np.tanh(h, out=h)
        hs = self.of_each.forward(seen) if self.of_each else h[:, None]
        state: State = (h, None) if self.settings.cell == "lstm" else (h,)
        return Read(hs, mask, [state] * self.settings.layers), (h, maps.shape, drop, xs.ndim == 4)

    def backward(self, dhs: Any, dstates: list[State], cache: Any) -> None:
        """Compute all gradients from dhs (N, P, H), or None, and those of the last states."""
        h, (N, P, M), drop, of_pictures = cache
        dh = sum(state[0] for state in dstates if state[0] is not None)
        dmaps = self.of_all.backward(dh * (1 - h * h)).reshape(N, P, M)
        if self.of_each:
            dmaps = dmaps + self.of_each.backward(dhs)
        if self.freeze or not of_pictures:
            for grad in self.backbone.grads:
                grad[...] = 0
            return
        dmaps = dropped(dmaps, drop)
        self.backbone.backward(dmaps.transpose(0, 2, 1).reshape(N, M, self.rows, self.columns))

    def named_layers(self) -> list[tuple[str, Any]]:
        """Return (name, layer) for every layer with parameters."""
        convolutions = [layer for layer in self.backbone.layers if layer.params]
        named = [(f"encoder Convolution {k}", layer) for k, layer in enumerate(convolutions, start=1)]
        named.append(("encoder Affine", self.of_all))
        return [*named, *([("encoder TimeAffine", self.of_each)] if self.of_each else [])]


class PictureEncoderDecoder(EncoderDecoder):
    """An :class:`EncoderDecoder` that looks at pictures in the place of words.

    ``xs`` are pictures (N, C, H, W), by custom from 0 to 1, or maps (N, P, M) that :meth:`features` made of them.

    Parameters
    ----------
    settings : EncoderDecoderSettings
        ``source_size`` is M, the channels of the map.
    picture : (C, H, W)
        Channels and sides of a picture.
    filters : list of int
        Of every convolution; between two of them sides are halved. Without any, ``picture`` is the map of a network
        of somebody else's, and xs are maps.
    freeze : bool
        Whether the convolutions stay as they are; their gradients are zeros then.
    """

    def __init__(
        self,
        settings: EncoderDecoderSettings,
        picture: Sequence[int] = (3, 24, 24),
        filters: Sequence[int] = (12, 24, 32),
        freeze: bool = True,
        *,
        backend: BackendLike | None = None,
    ) -> None:
        sides = tuple(integer("picture", n, 1) for n in listed("picture", picture, "C, H, W"))
        if len(sides) != 3:
            raise ValueError(f"picture is {sides}, expected (C, H, W)")
        self._shape: dict[str, Any] = {
            "picture": sides,
            "filters": tuple(integer("filters", n, 1) for n in listed("filters", filters, "numbers of filters")),
            "freeze": flag("freeze", freeze),
        }
        super().__init__(settings, backend=backend)
        self.config |= {name: list(v) if isinstance(v, tuple) else v for name, v in self._shape.items()}

    def _encoder(self) -> Any:
        if self.settings.bidirectional or self.settings.reverse:
            raise ValueError(
                "bidirectional or reverse is True, expected neither: a picture has no order to read it in"
            )
        return ImageEncoder(self.settings, **self._shape, backend=self.backend)

    def features(self, xs: AnyArray) -> Array:
        """xs : pictures (N, C, H, W) -> maps (N, P, M), which stand for them as long as the convolutions stay."""
        xs, _ = self.encoder.checked(xs)
        parts = [self.encoder.maps(xs[k : k + _TOGETHER]) for k in range(0, max(len(xs), 1), _TOGETHER)]
        return np.concatenate(parts)
