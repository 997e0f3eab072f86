/** Where the console begins. */

import { startRouter } from "./lib/router.js";
import { comparePage } from "./pages/compare.js";
import { comparisonPage } from "./pages/comparison.js";
import { diffPage } from "./pages/diff.js";
import { dataPage } from "./pages/data.js";
import { galleryPage } from "./pages/gallery.js";
import { modelPage } from "./pages/model.js";
import { modelsPage } from "./pages/models.js";
import { shootPage } from "./pages/shoot.js";
import { shootsPage } from "./pages/shoots.js";
import { trainingPage } from "./pages/training.js";
import { trainingsPage } from "./pages/trainings.js";

startRouter(
  [
    { pattern: "/", page: shootsPage },
    { pattern: "/shoots/:id", page: shootPage },
    { pattern: "/trainings", page: trainingsPage },
    { pattern: "/trainings/:id", page: trainingPage },
    { pattern: "/models", page: modelsPage },
    { pattern: "/models/:id", page: modelPage },
    { pattern: "/models/:id/diff", page: diffPage },
    { pattern: "/models/:id/compare", page: comparePage },
    { pattern: "/comparisons/:id", page: comparisonPage },
    { pattern: "/gallery", page: galleryPage },
    { pattern: "/data", page: dataPage },
  ],
  document.getElementById("main"),
);
