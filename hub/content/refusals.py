"""Why a file or a text does not become sound: one code and one message each. The hub's error handler shows them.

Messages are English msgids; {gaps} are filled from the error's parameters after translation.
"""

from __future__ import annotations

from enum import StrEnum

from hub.errors import N_, BadInputError


class Refusal(StrEnum):
    """Stable codes; stored with a sound that could not be prepared."""

    EMPTY = "sound_empty"
    TOO_LARGE = "sound_too_large"
    UPLOAD_CUT = "sound_upload_cut"
    TEXT = "sound_is_text"
    ARCHIVE = "sound_is_archive"
    PLAYLIST = "sound_is_playlist"
    VIDEO = "sound_is_video"
    DOCUMENT = "sound_is_document"
    UNKNOWN = "sound_unknown_format"
    NO_AUDIO = "sound_without_audio"
    ENCRYPTED = "sound_encrypted"
    CODEC = "sound_unknown_codec"
    DAMAGED = "sound_damaged"
    TRUNCATED = "sound_truncated"
    LENGTH_LIES = "sound_length_lies"
    TOO_SHORT = "sound_too_short"
    TOO_LONG = "sound_too_long"
    SILENT = "sound_silent"
    TOO_SLOW = "sound_too_slow"
    NO_PROGRAM = "sound_program_missing"
    NO_SPACE = "sound_no_space"
    HARMFUL = "upload_harmful"
    NOT_SCANNED = "upload_not_scanned"
    NO_WORDS = "speech_without_words"
    TEXT_TOO_LONG = "speech_text_too_long"
    VOICE = "speech_voice_unknown"


MESSAGES: dict[Refusal, str] = {
    Refusal.EMPTY: N_("The file is empty."),
    Refusal.TOO_LARGE: N_("The file is larger than {limit_mb} MB. Nothing was stored."),
    Refusal.UPLOAD_CUT: N_("The upload broke off. Nothing was stored; upload the file again."),
    Refusal.TEXT: N_("This is a text file, whatever its name says. Upload a recording."),
    Refusal.ARCHIVE: N_("This is an archive or office document (ZIP or the like). Unpack it and upload the recording."),
    Refusal.PLAYLIST: N_("This is a playlist that names other files. Upload the recording itself."),
    Refusal.VIDEO: N_("This is a video. Upload its sound alone (MP3, M4A, WAV, Ogg, Opus or FLAC)."),
    Refusal.DOCUMENT: N_("This is a picture or a document. Upload a recording."),
    Refusal.UNKNOWN: N_("This is no recording of a known kind. MP3, M4A, WAV, Ogg, Opus and FLAC are taken."),
    Refusal.NO_AUDIO: N_("There is no sound in this file."),
    Refusal.ENCRYPTED: N_("This recording is copy-protected (encrypted) and cannot be played by loudspeakers."),
    Refusal.CODEC: N_("The sound in this file is coded in a way that is not taken ({codec}). Save it as MP3 or WAV."),
    Refusal.DAMAGED: N_("The recording is damaged and cannot be read to its end."),
    Refusal.TRUNCATED: N_("The recording is cut off: its end is missing. Upload the whole file."),
    Refusal.LENGTH_LIES: N_("The file holds more than it says about its length. Save it anew as MP3 or WAV."),
    Refusal.TOO_SHORT: N_("The recording lasts {seconds} seconds. At least {limit} are needed."),
    Refusal.TOO_LONG: N_("The recording is longer than {limit_min} minutes. Divide it into parts."),
    Refusal.SILENT: N_("Nothing can be heard in this recording: it is silent."),
    Refusal.TOO_SLOW: N_("Reading this file needs too much time or memory. Save it anew as MP3 or WAV."),
    Refusal.NO_PROGRAM: N_("The program {program} is not installed on this machine. Tell the administrator."),
    Refusal.NO_SPACE: N_("There is not enough disk space left. Nothing was stored; tell the administrator."),
    Refusal.HARMFUL: N_("The virus check found something harmful in this file ({name}). Nothing was stored."),
    Refusal.NOT_SCANNED: N_("The virus check does not answer, so no file is taken in. Tell the administrator."),
    Refusal.NO_WORDS: N_("There are no words to read out in this text."),
    Refusal.TEXT_TOO_LONG: N_("The text is longer than {limit} characters. Divide it into parts."),
    Refusal.VOICE: N_("There is no voice with this name."),
}

_STATUS = {Refusal.TOO_LARGE: 413, Refusal.NO_SPACE: 507, Refusal.NO_PROGRAM: 503, Refusal.NOT_SCANNED: 503}


class SoundRefusedError(BadInputError):
    """No sound comes of this, and nothing was stored. `code` tells why; people get the message."""

    def __init__(self, code: Refusal, **params: object) -> None:
        super().__init__(MESSAGES[code], **params)
        self.code: Refusal = code
        self.status = _STATUS.get(code, 422)
