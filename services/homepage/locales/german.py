from typing import Final

from services.homepage.locales.messages import Messages

# Names from the shop stand where no article or ending has to agree with them.
GERMAN: Final = Messages(
    titles={
        "PICKED_FOR_YOU": "Für Sie ausgewählt",
        "BUY_AGAIN": "Nochmals kaufen",
        "POPULAR": "Gerade beliebt",
        "TRENDING": "Im Trend",
        "NEW_ARRIVALS": "Neu eingetroffen",
        "CATEGORY_NAVIGATION": "Alle Kategorien",
        "CATEGORY": "Top-Empfehlungen in {category}",
        "ON_SALE": "Reduziert",
        "RECENTLY_VIEWED": "Zuletzt angesehen",
        "FOLLOWED": "Von Creators und Marken, denen Sie folgen",
    },
    titles_plain={"CATEGORY": "Top-Empfehlungen"},
    because={
        "YOU_VIEWED": "Weil Sie {item} angesehen haben",
        "YOU_FAVORITED": "Weil Ihnen {item} gefällt",
        "YOU_CARTED": "Passt zu {item} in Ihrem Warenkorb",
        "YOU_BOUGHT": "Weil Sie {item} gekauft haben",
    },
    because_plain="Passt zu Ihrer Auswahl",
    reasons={
        "YOU_VIEWED": "Weil Sie {item} angesehen haben",
        "YOU_FAVORITED": "Weil Ihnen {item} gefällt",
        "YOU_CARTED": "Passt zu {item}",
        "YOU_BOUGHT": "Weil Sie {item} gekauft haben",
        "YOU_BUY_REGULARLY": "Bereits {count}-mal gekauft",
        "YOUR_CATEGORY": "Aus Ihrer Lieblingskategorie {category}",
        "YOUR_BRAND": "Von Ihrer Lieblingsmarke {brand}",
        "YOUR_TASTE": "Trifft Ihren Geschmack",
        "POPULAR": "Gerade beliebt",
        "POPULAR_IN_CATEGORY": "Beliebt in {category}",
        "NEW": "Neu eingetroffen",
        "ON_SALE": "Reduziert",
        "YOU_VIEWED_THIS": "Bereits angesehen",
        "YOU_FOLLOW": "Von Creators und Marken, denen Sie folgen",
        "TRENDING": "Im Trend",
        "EXPLORATION": "Zum Entdecken",
        "SHOP": "Unsere Empfehlung",
    },
    reasons_plain={
        "YOU_VIEWED": "Passend zu angesehenen Artikeln",
        "YOU_FAVORITED": "Passend zu Ihren Favoriten",
        "YOU_CARTED": "Passt zu Ihrem Warenkorb",
        "YOU_BOUGHT": "Passend zu Ihren Einkäufen",
        "YOU_BUY_REGULARLY": "Bereits einmal gekauft",
        "YOUR_CATEGORY": "Aus einer Ihrer Lieblingskategorien",
        "YOUR_BRAND": "Von einer Ihrer Lieblingsmarken",
        "POPULAR_IN_CATEGORY": "In dieser Kategorie beliebt",
    },
    similar="Ähnlich wie {item}",
)
