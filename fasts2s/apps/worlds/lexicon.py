"""The words of the small grammar, in English, Korean, Japanese and French."""

from typing import NamedTuple


class Noun(NamedTuple):
    """A noun: English and its plural; Korean; Japanese; French, its plural, and whether it is feminine."""

    en: str
    en_plural: str
    ko: str
    ja: str
    fr: str
    fr_plural: str
    feminine: bool


class Adjective(NamedTuple):
    """An adjective before its noun; French: masculine, feminine, and whether it stands before the noun."""

    en: str
    ko: str
    ja: str
    fr: str
    fr_feminine: str
    fr_before: bool


class Verb(NamedTuple):
    """A verb. Korean and Japanese: present, past, and the two negated. French: it sees, they see, seen."""

    en: str
    en_singular: str
    en_past: str
    ko: tuple[str, str, str, str]
    ja: tuple[str, str, str, str]
    fr: tuple[str, str, str]


def _noun(line: str) -> Noun:
    en, en_plural, ko, ja, fr, fr_plural, gender = line.split()
    return Noun(en, en_plural, ko, ja, fr, fr_plural, gender == "f")


def _adjective(line: str) -> Adjective:
    en, ko, ja, fr, feminine, place = line.split()
    return Adjective(en, ko, ja, fr, feminine, place == "before")


def _verb(line: str) -> Verb:
    """Korean and Japanese forms are made from the stem and the past of a line."""
    en, singular, past, ko_now, ko_stem, ko_past, ja_now, ja_past, ja_stem, fr, fr_plural, participle = line.split()
    ko = (ko_now, ko_past, f"{ko_stem}지 않는다", f"{ko_stem}지 않았다")
    ja = (ja_now, ja_past, f"{ja_stem}ない", f"{ja_stem}なかった")
    return Verb(en, singular, past, ko, ja, (fr, fr_plural, participle))


def _lines(text: str) -> list[str]:
    return [line for line in text.strip().splitlines() if line.strip()]


#: Living ones, which may be subjects.
LIVING = [
    _noun(line)
    for line in _lines(
        """
teacher teachers 선생님 先生 professeur professeurs m
doctor doctors 의사 医者 médecin médecins m
farmer farmers 농부 農夫 fermier fermiers m
baker bakers 제빵사 パン屋 boulanger boulangers m
cook cooks 요리사 料理人 cuisinier cuisiniers m
singer singers 가수 歌手 chanteur chanteurs m
girl girls 소녀 少女 fille filles f
boy boys 소년 少年 garçon garçons m
queen queens 여왕 女王 reine reines f
dog dogs 개 犬 chien chiens m
cat cats 고양이 猫 chat chats m
horse horses 말 馬 cheval chevaux m
cow cows 소 牛 vache vaches f
wolf wolves 늑대 狼 loup loups m
"""
    )
]
THINGS = [
    _noun(line)
    for line in _lines(
        """
book books 책 本 livre livres m
letter letters 편지 手紙 lettre lettres f
house houses 집 家 maison maisons f
flower flowers 꽃 花 fleur fleurs f
boat boats 배 船 bateau bateaux m
table tables 탁자 机 table tables f
hat hats 모자 帽子 chapeau chapeaux m
cake cakes 케이크 ケーキ gâteau gâteaux m
door doors 문 扉 porte portes f
box boxes 상자 箱 boîte boîtes f
bag bags 가방 鞄 sac sacs m
map maps 지도 地図 carte cartes f
"""
    )
]
ADJECTIVES = [
    _adjective(line)
    for line in _lines(
        """
small 작은 小さい petit petite before
big 큰 大きい grand grande before
pretty 예쁜 きれいな joli jolie before
red 빨간 赤い rouge rouge after
white 하얀 白い blanc blanche after
black 검은 黒い noir noire after
heavy 무거운 重い lourd lourde after
strange 이상한 奇妙な bizarre bizarre after
famous 유명한 有名な célèbre célèbre after
green 푸른 緑の vert verte after
"""
    )
]
#: Verbs with an object, of any kind.
TRANSITIVE = [
    _verb(line)
    for line in _lines(
        """
see sees saw 본다 보 보았다 見る 見た 見 voit voient vu
find finds found 찾는다 찾 찾았다 見つける 見つけた 見つけ trouve trouvent trouvé
draw draws drew 그린다 그리 그렸다 描く 描いた 描か dessine dessinent dessiné
like likes liked 좋아한다 좋아하 좋아했다 好む 好んだ 好ま aime aiment aimé
wash washes washed 씻는다 씻 씻었다 洗う 洗った 洗わ lave lavent lavé
carry carries carried 나른다 나르 날랐다 運ぶ 運んだ 運ば porte portent porté
forget forgets forgot 잊는다 잊 잊었다 忘れる 忘れた 忘れ oublie oublient oublié
choose chooses chose 고른다 고르 골랐다 選ぶ 選んだ 選ば choisit choisissent choisi
clean cleans cleaned 닦는다 닦 닦았다 磨く 磨いた 磨か nettoie nettoient nettoyé
sell sells sold 판다 팔 팔았다 売る 売った 売ら vend vendent vendu
"""
    )
]
INTRANSITIVE = [
    _verb(line)
    for line in _lines(
        """
sleep sleeps slept 잔다 자 잤다 眠る 眠った 眠ら dort dorment dormi
sing sings sang 노래한다 노래하 노래했다 歌う 歌った 歌わ chante chantent chanté
dance dances danced 춤춘다 춤추 춤췄다 踊る 踊った 踊ら danse dansent dansé
work works worked 일한다 일하 일했다 働く 働いた 働か travaille travaillent travaillé
laugh laughs laughed 웃는다 웃 웃었다 笑う 笑った 笑わ rit rient ri
cry cries cried 운다 울 울었다 泣く 泣いた 泣か pleure pleurent pleuré
"""
    )
]
#: In four languages: en, ko, ja, fr.
PLACES = [
    ("in the garden", "정원에서", "庭で", "dans le jardin"),
    ("at the market", "시장에서", "市場で", "au marché"),
    ("in the kitchen", "부엌에서", "台所で", "dans la cuisine"),
    ("by the river", "강가에서", "川辺で", "près de la rivière"),
    ("at the station", "역에서", "駅で", "à la gare"),
]
#: The same, for the present and for the past.
TIMES = (
    [("now", "지금", "今", "maintenant"), ("often", "자주", "よく", "souvent")],
    [("yesterday", "어제", "昨日", "hier"), ("today", "오늘", "今日", "aujourd'hui")],
)
