//! The format's words for kinds of files, and the media types that other formats have for them.

/// Words for one kind of file.
#[derive(Debug)]
pub(super) struct Formats {
    /// What stands before the slash of a media type that is not listed.
    family: &'static str,
    /// What the API takes.
    known: &'static [&'static str],
    /// Words and media types; of several for one word the first one is written.
    types: &'static [(&'static str, &'static str)],
}

pub(super) static IMAGE: Formats = Formats {
    family: "image",
    known: &["png", "jpeg", "gif", "webp"],
    types: &[("jpeg", "image/jpeg"), ("jpeg", "image/jpg")],
};

pub(super) static VIDEO: Formats = Formats {
    family: "video",
    known: &["mkv", "mov", "mp4", "webm", "flv", "mpeg", "mpg", "wmv", "three_gp"],
    types: &[
        ("mkv", "video/x-matroska"),
        ("mov", "video/quicktime"),
        ("flv", "video/x-flv"),
        ("wmv", "video/x-ms-wmv"),
        ("three_gp", "video/3gpp"),
    ],
};

pub(super) static AUDIO: Formats = Formats {
    family: "audio",
    known: &[
        "mp3", "opus", "wav", "aac", "flac", "mp4", "ogg", "mkv", "mka", "x-aac", "m4a", "mpeg", "mpga", "pcm", "webm",
    ],
    types: &[
        ("mp3", "audio/mpeg"),
        ("mp3", "audio/mp3"),
        ("wav", "audio/wav"),
        ("wav", "audio/x-wav"),
        ("wav", "audio/wave"),
        ("m4a", "audio/m4a"),
        ("m4a", "audio/x-m4a"),
        ("mka", "audio/x-matroska"),
        ("pcm", "audio/pcm"),
        ("pcm", "audio/l16"),
    ],
};

pub(super) static DOCUMENT: Formats = Formats {
    family: "application",
    known: &["pdf", "csv", "doc", "docx", "xls", "xlsx", "html", "txt", "md"],
    types: &[
        ("pdf", "application/pdf"),
        ("csv", "text/csv"),
        ("doc", "application/msword"),
        ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
        ("xls", "application/vnd.ms-excel"),
        ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("html", "text/html"),
        ("txt", "text/plain"),
        ("md", "text/markdown"),
        ("md", "text/x-markdown"),
    ],
};

impl Formats {
    /// The media type of a word; one of tomorrow gives one of its own.
    pub(super) fn media_type(&self, format: &str) -> String {
        match self.types.iter().find(|(word, _)| *word == format) {
            Some((_, media_type)) => (*media_type).to_owned(),
            None => format!("{}/{format}", self.family),
        }
    }

    /// The word for a media type that the API takes.
    pub(super) fn format(&self, media_type: &str) -> Option<&'static str> {
        let plain = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let listed = self.types.iter().find(|(_, known)| *known == plain).map(|(word, _)| *word);
        listed.or_else(|| {
            let word = plain.strip_prefix(self.family)?.strip_prefix('/')?;
            self.known.iter().copied().find(|known| *known == word)
        })
    }

    /// The word from which [`Formats::media_type`] made a media type.
    pub(super) fn word(&self, media_type: &str) -> String {
        let word = || media_type.split_once('/').map_or(media_type, |(_, word)| word).to_owned();
        self.format(media_type).map_or_else(word, str::to_owned)
    }

    /// The word that ends a file's name.
    pub(super) fn of_name(&self, name: &str) -> Option<&'static str> {
        let (_, end) = name.rsplit_once('.')?;
        self.known.iter().copied().find(|known| known.eq_ignore_ascii_case(end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_comes_back_from_its_media_type() {
        for formats in [&IMAGE, &VIDEO, &DOCUMENT] {
            for word in formats.known {
                assert_eq!(formats.format(&formats.media_type(word)), Some(*word), "{word}");
            }
        }
        assert_eq!(IMAGE.format("image/JPG; x=y"), Some("jpeg"));
        assert_eq!(AUDIO.format("audio/x-wav"), Some("wav"));
        assert_eq!(IMAGE.format("image/tiff"), None);
        assert_eq!(IMAGE.word(&IMAGE.media_type("tiff")), "tiff");
        assert_eq!(DOCUMENT.of_name("a.b.PDF"), Some("pdf"));
        assert_eq!(DOCUMENT.of_name("pdf"), None);
    }
}
